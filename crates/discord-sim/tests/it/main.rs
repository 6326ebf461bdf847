//! Behaviour of the simulated Discord, in process and under a clock that only the test moves.

mod attachments;
mod channels;
mod commands;
mod errors;
mod faults;
mod interactions;
mod messages;
mod nonces;
mod permissions;
mod pins;
mod rate_limits;
mod robustness;
mod support;
mod threads;
