//! A Discord of our own.
//!
//! [`Discord`] is a pure state machine: it has no clock, does no I/O and draws all its randomness from the seed in
//! [`Config`], so the same requests at the same times give the same answers. [`Discord::handle`] takes a REST or CDN
//! request as an application would send it; the other methods play the parts of the people in a guild, of the client
//! that sends slash commands, and of bad luck on the network ([`Fault`], [`FaultPlan`]) and with search ([`SearchPlan`]).
//!
//! It follows Discord's documentation (<https://docs.discord.com/developers>) to the letter and is the stricter of
//! the possible readings where that leaves doubt. Limits that Discord does not publish are marked "reported" where
//! they are defined; a client is meant to learn those from headers and errors.
//!
//! The HTTP face in `server` (cargo feature `server`, on by default) puts the same core behind a loopback port.
//!
//! ```
//! use discord_sim::{Config, Discord, GuildSpec, Outcome};
//!
//! let mut discord = Discord::new(Config::default());
//! let guild = discord.create_guild(1_700_000_000_000, GuildSpec::named("Test guild"));
//! let request = http::Request::get(format!("/api/v10/channels/{}", guild.channel_id))
//!     .header("authorization", format!("Bot {}", discord.application().bot_token))
//!     .header("user-agent", "DiscordBot (https://example.com, 1.0)")
//!     .body(bytes::Bytes::new())
//!     .unwrap();
//! let Outcome::Responded { response, .. } = discord.handle(1_700_000_000_500, request) else { panic!() };
//! assert_eq!(response.status(), 200);
//! ```
#![forbid(unsafe_code)]

mod core;
mod routes;
#[cfg(feature = "server")]
pub mod server;

pub use crate::core::application::Application;
pub use crate::core::config::{Config, GuildSpec, MemberSpec};
pub use crate::core::faults::plan::FaultPlan;
pub use crate::core::faults::{Fault, FaultKind};
pub use crate::core::guild::permissions;
pub use crate::core::id::Id;
pub use crate::core::interactions::file::OptionFile;
pub use crate::core::interactions::view::{DeliveryReport, View};
pub use crate::core::interactions::{Delivery, InteractionSpec};
pub use crate::core::search::plan::{SearchOddity, SearchPlan};
pub use crate::core::traffic::{Direction, Exchange, ExchangeFile};
pub use crate::core::{Discord, Guild, Outcome, Problem};
