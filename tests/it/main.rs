//! The engine and the instance against the simulated Discord, in process, under virtual time:
//! the same seed gives the same run, and an hour of waiting takes no time.

mod bad_input;
mod commands;
mod crash;
mod faults;
mod limits;
mod log_damage;
mod world;
