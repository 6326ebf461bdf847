//! What Discord sends to the Worker and what the Worker answers: pure functions over bytes.

mod command_data;
pub mod model;
pub mod reply;
pub mod signature;

pub use command_data::CommandData;
pub use model::{Interaction, Kind};
pub use reply::{Callback, Choice, Reply};
