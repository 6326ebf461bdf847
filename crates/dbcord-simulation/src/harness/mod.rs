//! What a run happens in: the host that lets objects down, and the guild around them. The
//! integration tests use it as well.

mod clock;
mod deployment;
pub mod host;
mod inspect;
pub mod ledger;
mod misfortune;
pub mod outside;
pub mod planted;
mod traffic;
pub mod world;
