//! model
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod checker;
mod log;
mod ownership;
mod properties;
mod protocol;
mod rules;
mod words;
