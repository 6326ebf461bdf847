//! A Discord of our own.
