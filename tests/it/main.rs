//! The engine and the instance against the simulated Discord, in process, under virtual time:
//! the same seed gives the same run, and an hour of waiting takes no time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use dbcord_simulation::harness::{host, world};

mod aggregate;
mod bad_input;
mod budget;
mod checkpoints;
mod clock;
mod commands;
mod crash;
mod crud;
mod damaged_tables;
mod deferral;
mod deletions;
mod erase;
mod erase_again;
mod erase_dropped;
mod erase_overlooked;
mod erase_past;
mod erase_waits;
mod faults;
mod files;
mod find;
mod guarantees;
mod history;
mod indexes;
mod large_tables;
mod limits;
mod log_damage;
mod lost_marks;
mod lost_permissions;
mod many;
mod materialize;
mod materialize_crash;
mod materialize_drops;
mod materialize_edits;
mod materialize_hidden;
mod materialize_lanes;
mod materialize_late;
mod materialize_takeover;
mod materialize_twins;
mod ownership;
mod random;
mod read_only;
mod references;
mod references_model;
mod removal;
mod schema;
mod search;
mod search_cut;
mod search_model;
mod search_stale;
mod tables;
mod takeover;
mod takeover_begins;
mod text_commits;
mod text_commits_again;
mod threads;
mod transact;
mod unique;
mod unreadable_log;
mod update_operators;
mod writes_at_once;
