//! Checkpoints: the state up to a commit, so that opening need not replay the log from its
//! beginning. `docs/format.md` has the bytes.

pub mod file_sum;
pub mod manifest;
pub mod plan;
pub mod segment;
pub(super) mod store;
pub(super) mod take;
pub mod text_file;
pub(super) mod upload;
