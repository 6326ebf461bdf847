//! The HTTP face: the core behind a loopback port, with the real clock.
//!
//! REST and attachments are served where Discord has them; everything under `/sim` is the control API.

mod args;
mod control;
mod deliver;
mod face;
mod sim;

pub use self::args::{Args, HELP, Parsed};
pub use self::face::serve;
pub use self::sim::Sim;
