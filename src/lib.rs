//! dbcord: a document database that lives in a Discord guild.
//!
//! `docs/architecture.md` is the map. Dependencies point one way:
//! `worker -> instance -> commands -> engine -> discord -> host`; `interactions` is pure.

pub mod commands;
pub mod config;
pub mod discord;
pub mod engine;
pub mod error;
pub mod host;
pub mod instance;
pub mod interactions;
pub mod limits;
pub mod planted;
pub mod text;

#[cfg(target_arch = "wasm32")]
mod worker;
