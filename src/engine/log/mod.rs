//! The commit log: one message in `#dbc-log` is one atomic commit. `docs/format.md` has the bytes.

pub mod codec;
pub mod known;
pub mod notice;
mod op_fields;
pub mod read;
pub mod record;
pub mod replay;

pub use record::{CommitId, Link, Op, Origin, Part, Record};
