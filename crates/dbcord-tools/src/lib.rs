//! What the command-line tools share.

pub mod settings;
