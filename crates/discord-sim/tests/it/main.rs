//! Behaviour of the simulated Discord, in process and under a clock that only the test moves.

mod attachments;
mod by_hand;
mod channels;
mod commands;
mod consistency;
mod errors;
mod fault_plan;
mod faults;
mod interactions;
mod messages;
mod nonces;
mod permissions;
mod pins;
mod rate_limits;
mod robustness;
mod search;
mod support;
mod threads;
