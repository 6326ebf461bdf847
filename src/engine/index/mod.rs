//! Secondary indexes: which values each row has under some paths, sorted, so that rows are found, and
//! values kept unique, without looking at all rows.
//!
//! In memory an index is complete from its first commit on: it derives from the rows. Its channel
//! `#idx-<table>-<fields>` shows it to people, a message a row, and is brought up to date in the
//! background like a table's.

mod change;
mod definition;
mod entries;
mod unique;
mod values;

pub use change::CreatedIndex;
pub use definition::Definition;
pub use entries::{Entries, Entry};
pub use unique::{check_values, clash, clashes};
pub use values::{display, is_indexed, token, values};
