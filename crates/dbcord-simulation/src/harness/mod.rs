//! What a run happens in: the host that lets an object down, and the guild around it. The
//! integration tests use it as well.

pub mod host;
pub mod world;
