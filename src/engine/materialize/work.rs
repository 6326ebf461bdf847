//! Pieces of work, and what has to be known to choose the next one.

use crate::engine::log::CommitId;
use crate::host::UnixMillis;

/// One piece of work: a few requests at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Item {
    ReadCatalog,
    Card {
        table: u32,
    },
    /// The channel of a renamed table gets its new name.
    Rename {
        table: u32,
    },
    /// The channel of a dropped table goes, or one that a table has beside its own.
    Drop {
        channel: u64,
    },
    /// The guild's channels are looked at for such that were made late.
    Look,
    Load {
        table: u32,
    },
    Channel {
        table: u32,
    },
    /// A page of the table's channel is read.
    Scan {
        table: u32,
    },
    /// A message that should not be there goes.
    Remove {
        table: u32,
        message: u64,
    },
    Row {
        table: u32,
        key: Box<str>,
    },
    History {
        table: u32,
    },
    /// The newest page of the table's channel is compared with the state.
    Audit {
        table: u32,
    },
}

/// Work of one lane is done one piece at a time, so that a message has one edit in flight; lanes
/// go on side by side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Lane {
    Catalog,
    Table(u32),
    /// Renaming may have to wait for minutes, which must not hold up the table's rows.
    Rename(u32),
    /// By channel.
    Drop(u64),
    Guild,
}

/// What work is chosen by: rows and cards before what is best effort, then by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Due(CommitId),
    BestEffort(CommitId),
}

/// What a lane has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Work(Rank, Item),
    /// Nothing before this time.
    At(UnixMillis),
    Nothing,
}

impl Item {
    pub fn lane(&self) -> Lane {
        match *self {
            Item::ReadCatalog | Item::Card { .. } => Lane::Catalog,
            Item::Rename { table } => Lane::Rename(table),
            Item::Drop { channel } => Lane::Drop(channel),
            Item::Look => Lane::Guild,
            Item::Load { table }
            | Item::Channel { table }
            | Item::Scan { table }
            | Item::Remove { table, .. }
            | Item::Row { table, .. }
            | Item::History { table }
            | Item::Audit { table } => Lane::Table(table),
        }
    }

    /// Whether it is more than reading.
    pub fn changes_channels(&self) -> bool {
        match self {
            Item::Load { .. } | Item::Scan { .. } | Item::Audit { .. } | Item::Look => false,
            Item::ReadCatalog
            | Item::Card { .. }
            | Item::Rename { .. }
            | Item::Drop { .. }
            | Item::Channel { .. }
            | Item::Remove { .. }
            | Item::Row { .. }
            | Item::History { .. } => true,
        }
    }

    /// How many requests it takes, but for rare cases, one of them repeated once. Where it takes more,
    /// the client's budget interrupts it.
    pub fn cost(&self) -> u64 {
        match self {
            Item::Rename { .. } | Item::History { .. } | Item::Look => 2,
            Item::Row { .. } | Item::Card { .. } | Item::Remove { .. } => 3,
            Item::Load { .. } => 4,
            Item::Scan { .. } | Item::Audit { .. } | Item::Channel { .. } => 5,
            Item::Drop { .. } => 6,
            Item::ReadCatalog => 9,
        }
    }
}

impl Next {
    /// The earlier of two times to wake up.
    pub fn or_at(self, at: Option<UnixMillis>) -> Next {
        match (self, at) {
            (Next::Nothing, Some(at)) => Next::At(at),
            (Next::At(a), Some(b)) => Next::At(a.min(b)),
            (next, _) => next,
        }
    }

    /// The more urgent of two.
    pub fn or(self, other: Next) -> Next {
        match (self, other) {
            (Next::Work(a, item), Next::Work(b, other)) => {
                if b < a {
                    Next::Work(b, other)
                } else {
                    Next::Work(a, item)
                }
            }
            (work @ Next::Work(..), _) | (_, work @ Next::Work(..)) => work,
            (next, Next::At(at)) => next.or_at(Some(at)),
            (next, Next::Nothing) => next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_before_history_and_old_before_new() {
        let row = |seq| {
            let key = "k".into();
            Next::Work(Rank::Due(CommitId(1, seq)), Item::Row { table: 1, key })
        };
        let history = Next::Work(Rank::BestEffort(CommitId(1, 1)), Item::History { table: 2 });
        assert_eq!(row(5).or(row(4)), row(4));
        assert_eq!(history.clone().or(row(9)), row(9));
        assert_eq!(Next::At(3).or(history.clone()), history);
        assert_eq!(Next::At(3).or(Next::At(2)).or(Next::Nothing), Next::At(2));
    }
}
