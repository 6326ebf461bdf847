//! dbcord on a simulated host and against the simulated Discord, in one thread and under virtual
//! time: the same seed gives the same run, and an hour of waiting takes no time.

pub mod bench;
pub mod command;
pub mod harness;
pub mod simulate;
