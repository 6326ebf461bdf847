//! What queries cost: time, beside SQLite in the same run, and requests to Discord. `scripts/bench query`.
//!
//! Times depend on the machine, so the goals are about ratios. SQLite is written in C and takes a while to
//! compile: it is there with the feature `sqlite` only, which nothing else asks for.

mod comparison;
mod engine;
mod question;
pub mod requests;
mod rows;

#[cfg(feature = "sqlite")]
pub mod command;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use comparison::{Comparison, Contender, compare, table};
pub use engine::Engine;
pub use question::{QUESTIONS, Question, Text};
pub use rows::Users;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// Of the table that is asked in memory.
    pub rows: usize,
    /// How often each question is put to both in turn.
    pub rounds: usize,
    /// Of how many questions as a part of what there is to ask in a round.
    pub part: usize,
    /// Of the table that is loaded from Discord.
    pub stored_rows: usize,
}

impl Scale {
    pub const FULL: Scale = Scale {
        rows: 100_000,
        rounds: 21,
        part: 1,
        stored_rows: 10_000,
    };
    /// Enough to see that everything works.
    pub const SMALL: Scale = Scale {
        rows: 2_000,
        rounds: 3,
        part: 100,
        stored_rows: 300,
    };
}
