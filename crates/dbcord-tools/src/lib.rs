//! What the command-line tools share.

pub mod live;
pub mod settings;
