//! A row and its past.

use std::collections::BTreeSet;
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::simulate::answer::{Content, Told};
use crate::simulate::doc::Doc;

/// Whose a revision is, and by which command, where that is sure.
pub type Signature = Option<(u64, &'static str)>;

/// A row and its past, as far as that is sure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// So many of the first revisions are not known: several orders may explain how the row got
    /// where it is.
    forgotten: u64,
    revisions: Vec<Revision>,
    /// What marks the documents of revisions that are forgotten, and not deleted for good.
    past: Rc<BTreeSet<u64>>,
    /// The last deletion for good of those; 0 where there was none.
    erased: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Revision {
    /// None where the row was deleted.
    doc: Option<Doc>,
    /// Deleted, and no copy of what was before is to remain.
    is_hard: bool,
    /// Whose it is, and by which command, where that is sure.
    by: Signature,
}

impl Revision {
    pub fn of_doc(by: Signature, doc: Doc) -> Revision {
        Revision {
            doc: Some(doc),
            is_hard: false,
            by,
        }
    }

    pub fn of_deletion(by: Signature, is_hard: bool) -> Revision {
        Revision {
            doc: None,
            is_hard,
            by,
        }
    }

    fn is(&self, told: &Told) -> bool {
        let says_so = match (told.content, self.doc) {
            (Content::Is(told), Some(doc)) => told == doc,
            (Content::Unread, Some(_)) => true,
            (Content::Deleted, None) => !self.is_hard,
            (Content::DeletedForGood, None) => self.is_hard,
            _ => false,
        };
        let told_by = told.by.as_ref().map(|by| (by.user, &*by.command));
        says_so && (self.by.is_none() || told_by.is_none() || self.by == told_by)
    }
}

impl Row {
    pub fn push(&mut self, revision: Revision) {
        self.revisions.push(revision);
    }

    pub fn rev(&self) -> u64 {
        self.forgotten + self.revisions.len() as u64
    }

    pub fn current(&self) -> Option<Doc> {
        self.revisions.last().and_then(|revision| revision.doc)
    }

    pub fn is_gone_for_good(&self) -> bool {
        self.revisions
            .last()
            .is_some_and(|revision| revision.is_hard)
    }

    fn revision(&self, rev: u64) -> Option<&Revision> {
        let index = rev.checked_sub(self.forgotten + 1)?;
        self.revisions.get(usize::try_from(index).ok()?)
    }

    /// The document of a revision, unless it was deleted for good since.
    pub fn document(&self, rev: u64) -> Option<Doc> {
        let doc = self.revision(rev)?.doc?;
        (rev > self.erased()).then_some(doc)
    }

    /// The revision of the last deletion for good; 0 where there was none.
    pub fn erased(&self) -> u64 {
        let last = self.revisions.iter().rposition(|known| known.is_hard);
        last.map_or(self.erased, |last| self.forgotten + last as u64 + 1)
    }

    /// What marks the documents that the row had, but for those that were deleted for good.
    pub fn values(&self) -> BTreeSet<u64> {
        let from = self.revisions.iter().rposition(|known| known.is_hard);
        let kept = self.revisions.iter().skip(from.unwrap_or(0));
        let kept = kept.filter_map(|revision| Some(revision.doc?.v));
        let past = from.is_none().then(|| self.past.iter().copied());
        kept.chain(past.into_iter().flatten()).collect()
    }

    pub fn forget(&mut self) {
        self.past = Rc::new(self.values());
        self.erased = self.erased();
        let rev = self.rev();
        let Some(mut last) = self.revisions.pop() else {
            return;
        };
        last.by = None;
        self.forgotten = rev - 1;
        self.revisions = vec![last];
    }

    /// Whether a history may say so.
    pub fn has_past(&self, told: &[Told]) -> bool {
        let is_newest = told.first().is_some_and(|first| first.rev == self.rev());
        let is_known = |told: &Told| match self.revision(told.rev) {
            Some(revision) => revision.is(told),
            // Nobody knows any more.
            None => true,
        };
        // Nothing is told of what was deleted for good, but that there were deletions.
        let is_kept = |told: &Told| {
            told.rev >= self.erased()
                || matches!(told.content, Content::Deleted | Content::DeletedForGood)
        };
        is_newest && told.iter().all(|told| is_kept(told) && is_known(told))
    }
}

/// What is forgotten is the same for all that is compared.
impl Hash for Row {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.forgotten.hash(hasher);
        self.revisions.hash(hasher);
    }
}
