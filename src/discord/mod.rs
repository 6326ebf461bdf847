//! Our client of Discord's REST API: routes, models, rate limits, retries, uploads.

mod budget;
pub mod client;
pub mod draft;
pub mod model;
pub mod multipart;
pub mod original;
pub mod permissions;
pub mod rate_limit;
pub mod retry;
pub mod routes;
pub mod search;

pub use client::{Client, Patience};
pub use draft::Draft;
pub use retry::CallError;
