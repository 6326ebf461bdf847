//! Queries: pure code that takes documents and questions about them, and returns answers.
//!
//! Rows are kept as compact JSON text, and everything here reads that text in place ([`Json`]): a
//! table's rows are gone through for a query, and building a tree of each would cost many times the
//! look at it. How values compare is defined once, by [`order`], for ranges, sorting, indexes and
//! groups alike. `docs/queries.md` says what every word of a query means.

pub mod aggregate;
pub mod cursor;
pub mod filter;
mod hints;
pub mod json;
pub mod memory;
mod number;
pub mod order;
pub mod path;
pub mod plan;
pub mod select;
pub mod sort;
pub mod update;

pub use aggregate::Pipeline;
pub use cursor::Cursor;
pub use filter::Filter;
pub use json::{Json, Kind};
pub use path::{Go, Path};
pub use select::Select;
pub use sort::{Sort, Top};
