//! Bugs that simulation runs plant, to prove that their checks would find them. Without the feature of that
//! name, as in the Worker, there are none.

#[cfg(feature = "planted")]
use std::cell::Cell;

/// What the engine does where one of its rules is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bug {
    /// Unique values are looked for among what is committed, not among the other writes in the same commit.
    UniqueBesideBatch,
    /// A row that is changed keeps the entries of its former values in indexes.
    EntriesStay,
    /// Of the rows that are to be deleted along with another, only the first one is.
    CascadeStops,
    /// Rows count as their messages show them, whatever memory has.
    OverlayDropped,
}

#[cfg(feature = "planted")]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a bug in what this thread runs from now on, or takes it out again.
#[cfg(feature = "planted")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether this bug is planted.
#[inline]
pub fn is_planted(bug: Bug) -> bool {
    #[cfg(feature = "planted")]
    return PLANTED.get() == Some(bug);
    #[cfg(not(feature = "planted"))]
    {
        let _ = bug;
        false
    }
}
