//! What histories told: that somebody wrote it, and that it never changes.

use std::collections::BTreeMap;

use super::answer::{Content, Told};
use super::operation::Command;
use super::place::{Cell, has_rules, is_passing};
use super::typed::PAST_AT_MOST;

/// Who brings a document back, or changes many, changes what is somebody else's.
const OTHERS: [&str; 2] = ["dbc_restore_row", "dbc_update_many"];

#[derive(Default)]
pub struct Pasts {
    /// The clock is set back now and then, so that times tell no order.
    is_clock_set_back: bool,
    /// Who wrote the document with this mark, and where.
    writers: BTreeMap<u64, (u64, Cell)>,
    /// Of rows in tables that last.
    told: BTreeMap<(Cell, u64), Told>,
}

impl Pasts {
    pub fn new(is_clock_set_back: bool) -> Self {
        Pasts {
            is_clock_set_back,
            ..Pasts::default()
        }
    }

    pub fn will_write(&mut self, user: u64, command: &Command) {
        let values = command.changes().iter();
        let values = values.filter_map(|change| Some((change.action.value()?, change.cell)));
        self.writers
            .extend(values.map(|(value, cell)| (value, (user, cell))));
    }

    /// Whether somebody wrote the document with this mark into this row. Of tables that come and go, either may
    /// have been the other one.
    pub fn is_of(&self, cell: Cell, value: u64) -> bool {
        let written = self.writers.get(&value).map(|(_, written)| *written);
        written.is_some_and(|written| {
            let is_renamed = is_passing(written.table) && is_passing(cell.table);
            written.key == cell.key && (written.table == cell.table || is_renamed)
        })
    }

    /// Takes in a history; what is wrong with it. As long as nothing was ever deleted for good, a
    /// history is whole.
    pub fn hear(&mut self, cell: Cell, past: &[Told], is_whole: bool) -> Result<(), String> {
        for pair in past.windows(2) {
            let at = |told: &Told| told.by.as_ref().map(|by| by.at);
            let is_earlier = at(&pair[0]).zip(at(&pair[1])).is_none_or(|(a, b)| a >= b);
            if pair[0].commit < pair[1].commit || !(is_earlier || self.is_clock_set_back) {
                return Err(format!("{cell} was changed in another order: {pair:?}"));
            }
        }
        for told in past {
            self.is_somebodys(cell, told)?;
            if !is_passing(cell.table) {
                self.is_told_as_before(cell, told)?;
            }
        }
        let revisions = past.iter().map(|told| told.rev);
        let newest = past.first().map_or(0, |told| told.rev);
        let is_all = revisions.rev().eq(1..=newest) || past.len() == PAST_AT_MOST;
        let is_signed = past.iter().all(|told| told.by.is_some());
        if is_whole && !(is_all && is_signed) {
            return Err(format!("the history of {cell} has holes: {past:?}"));
        }
        Ok(())
    }

    fn is_somebodys(&self, cell: Cell, told: &Told) -> Result<(), String> {
        let Content::Is(doc) = told.content else {
            return Ok(());
        };
        let writer = self.writers.get(&doc.v).map(|(user, _)| user);
        // Where rows name others, a deletion changes those, too.
        let is_changed_along = has_rules(cell.table);
        let by = told.by.as_ref();
        let by = by.filter(|by| !is_changed_along && !OTHERS.contains(&&*by.command));
        if writer.is_none() || by.is_some_and(|by| Some(&by.user) != writer) {
            return Err(format!(
                "{cell} was written by {writer:?}; it is told as {told:?}"
            ));
        }
        Ok(())
    }

    fn is_told_as_before(&mut self, cell: Cell, told: &Told) -> Result<(), String> {
        let before = self.told.entry((cell, told.rev));
        let before = before.or_insert_with(|| told.clone());
        // What has no message of its own, or does not fit it, is committed again before its record goes: then
        // it is told with that later commit. Nobody is named, unless there is a thread that tells who.
        let is_long = |told: &Told| match told.content {
            Content::Is(doc) => doc.pad >= LONG,
            Content::Unread => true,
            Content::Deleted | Content::DeletedForGood => false,
        };
        let is_again = |earlier: &Told, later: &Told| {
            later.commit > earlier.commit && (later.by.is_none() || is_long(later))
        };
        let is_same =
            (before.commit == told.commit || is_again(before, told) || is_again(told, before))
                && (before.content == told.content
                    || before.content == Content::Unread
                    || told.content == Content::Unread)
                && (before.by == told.by || before.by.is_none() || told.by.is_none());
        if !is_same {
            return Err(format!("{cell} was told as {before:?}; now as {told:?}"));
        }
        if told.content != Content::Unread {
            before.content = told.content;
        }
        before.commit = before.commit.min(told.commit);
        before.by = before.by.take().or_else(|| told.by.clone());
        Ok(())
    }
}

/// Padding from which on a document may be too long for a message.
const LONG: u32 = 250;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::answer::By;
    use crate::simulate::doc::Doc;
    use crate::simulate::operation::{Action, Change, Mode};

    const CELL: Cell = Cell { table: 0, key: 0 };

    fn doc(v: u64) -> Doc {
        Doc {
            v,
            ..Doc::default()
        }
    }

    fn told(rev: u64, v: u64, user: u64) -> Told {
        Told {
            rev,
            commit: rev * 10,
            content: Content::Is(doc(v)),
            by: Some(By {
                user,
                command: "dbc_insert".to_owned(),
                at: rev,
            }),
        }
    }

    fn pasts() -> Pasts {
        let mut pasts = Pasts::default();
        for (user, v) in [(7, 1), (8, 2), (8, 3)] {
            let change = Change {
                cell: CELL,
                action: Action::Put(Mode::Upsert, doc(v)),
                if_rev: None,
            };
            pasts.will_write(user, &Command::Change(change));
        }
        pasts
    }

    #[test]
    fn what_is_told_was_written_by_whom_it_names() {
        let hears = |past: &[Told]| pasts().hear(CELL, past, true).is_ok();
        assert!(hears(&[told(2, 2, 8), told(1, 1, 7)]));
        assert!(!hears(&[told(2, 2, 7), told(1, 1, 7)]), "somebody else");
        assert!(!hears(&[told(1, 9, 7)]), "nobody wrote that");
        assert!(!hears(&[told(3, 3, 8), told(1, 1, 7)]), "a hole");
        let mut later = told(1, 1, 7);
        later.commit = 30;
        assert!(!hears(&[told(2, 2, 8), later]), "another order");
    }

    #[test]
    fn what_was_told_once_stays_so() {
        let mut pasts = pasts();
        pasts.hear(CELL, &[told(1, 2, 8)], true).unwrap();
        let unread = Told {
            content: Content::Unread,
            by: None,
            ..told(1, 2, 8)
        };
        pasts.hear(CELL, &[unread], false).unwrap();
        assert!(pasts.hear(CELL, &[told(1, 3, 8)], false).is_err());
    }

    #[test]
    fn what_was_committed_again_is_told_without_who() {
        let again = |by| Told {
            commit: 30,
            by,
            ..told(1, 2, 8)
        };
        let mut pasts = pasts();
        pasts.hear(CELL, &[told(1, 2, 8)], true).unwrap();
        pasts.hear(CELL, &[again(None)], false).unwrap();
        pasts.hear(CELL, &[told(1, 2, 8)], false).unwrap();
        let by = told(1, 2, 8).by;
        assert!(pasts.hear(CELL, &[again(by)], false).is_err());
    }

    #[test]
    fn what_does_not_fit_its_message_is_told_with_the_later_commit_and_who() {
        let long = |commit| Told {
            commit,
            content: Content::Is(Doc {
                pad: LONG,
                ..doc(2)
            }),
            ..told(1, 2, 8)
        };
        let mut pasts = pasts();
        pasts.hear(CELL, &[long(10)], true).unwrap();
        pasts.hear(CELL, &[long(30)], false).unwrap();
    }
}
