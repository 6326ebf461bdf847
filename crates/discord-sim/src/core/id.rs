//! Snowflakes: ids that carry their time of creation.
//!
//! Layout and epoch: docs `reference`, section "Snowflakes".

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first millisecond of 2015, from which snowflake timestamps count.
pub const DISCORD_EPOCH_MS: u64 = 1_420_070_400_000;

/// A snowflake. Written as a decimal string in JSON, as Discord does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub u64);

impl Id {
    /// When this id was made, in Unix milliseconds.
    pub fn created_ms(self) -> u64 {
        (self.0 >> 22).saturating_add(DISCORD_EPOCH_MS)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Id {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Id)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Hands out ids that are unique and grow with every call, whatever the clock does.
#[derive(Debug, Default)]
pub(crate) struct IdGenerator {
    last: u64,
    early: u64,
}

/// Set in ids that lie, which keeps them apart from all others: those do not get that far within a millisecond.
const EARLY: u64 = 1 << 21;

impl IdGenerator {
    pub(crate) fn next(&mut self, now: u64) -> Id {
        let since_epoch = now.saturating_sub(DISCORD_EPOCH_MS) & ((1 << 42) - 1);
        self.last = (since_epoch << 22).max(self.last.saturating_add(1));
        Id(self.last)
    }

    /// An id that says `ms` too early. Unique like all others.
    pub(crate) fn early(&mut self, now: u64, ms: u64) -> Id {
        if ms == 0 {
            return self.next(now);
        }
        self.early = (self.early + 1) % EARLY;
        let since_epoch = now.saturating_sub(ms).saturating_sub(DISCORD_EPOCH_MS) & ((1 << 42) - 1);
        Id(since_epoch << 22 | EARLY | self.early)
    }
}
