//! Rows: reading them, and the changes that one write can make to one of them. What a change needs
//! to be true is checked in one place, whether it comes alone or in a transaction.

mod changed;
mod delete;
mod deletion;
mod put;
mod read;
pub(super) mod references;
pub(super) mod store;
mod update;

use serde_json::{Map, Value};

use super::commit::{Committed, Need, Touch};
use super::database::Database;
use super::document;
use super::log::Origin;
use super::state::{Batch, RowView};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::limits::ROW_BYTES;
use crate::text::inline;

pub use changed::Changed;
pub(super) use deletion::Deletion;
pub use read::Found;
pub use update::Patch;

/// One change of one row, understood but not yet held against what is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub table: String,
    pub key: String,
    /// The revision that the row must have.
    pub if_rev: Option<u64>,
    pub action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Stores a document as a whole.
    Put {
        mode: PutMode,
        fields: Map<String, Value>,
        /// The option that the document came in.
        option: &'static str,
    },
    /// Changes some fields.
    Update { patch: Patch, option: &'static str },
    Delete {
        /// No copy of the row is to remain anywhere.
        hard: bool,
    },
}

/// What a document may be put in the place of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PutMode {
    /// Of nothing.
    #[default]
    Insert,
    /// Of whatever is there, or of nothing.
    Upsert,
    /// Of a row that is there.
    Replace,
}

impl<H: Host> Database<H> {
    /// Carries out one change; what it came to.
    ///
    /// # Errors
    /// What the row or the document forbids; or a commit that failed.
    pub async fn change_row(&self, origin: &Origin, change: Change) -> Result<Committed<Changed>> {
        let need = change.need();
        let build = move |batch: &mut Batch<'_>| {
            let mut deletion = Deletion::default();
            let mut changed = change.stage(batch, &mut deletion)?;
            changed.add(deletion.finish(batch).map_err(|(_, error)| error)?);
            Ok(changed)
        };
        self.write_to(origin, vec![need], build).await
    }
}

impl Change {
    /// The tables that it looks at.
    pub(super) fn need(&self) -> Need {
        Need {
            table: self.table.clone(),
            touch: match self.action {
                Action::Delete { .. } => Touch::Delete,
                Action::Put { .. } | Action::Update { .. } => Touch::Put,
            },
        }
    }

    /// Adds the change to what is to be committed; what it came to. A row that it deletes becomes part of
    /// `deletion`, which has to be finished before anything else is staged.
    ///
    /// # Errors
    /// They name the row.
    pub(super) fn stage(&self, batch: &mut Batch<'_>, deletion: &mut Deletion) -> Result<Changed> {
        self.stage_bare(batch, deletion).map_err(|error| {
            if self.is_bare(&error) {
                error.about(&place(batch.database(), &self.table, &self.key))
            } else {
                error
            }
        })
    }

    /// Whether an error is about the row or what is to be put there, and does not name it.
    pub(super) fn is_bare(&self, error: &Error) -> bool {
        let own = match &self.action {
            Action::Put { option, .. } | Action::Update { option, .. } => Some(*option),
            Action::Delete { .. } => None,
        };
        error.is_of_input() || (own.is_some() && error.option == own)
    }

    /// The same as [`Change::stage`], for whoever names the row in errors that do not.
    pub(super) fn stage_bare(
        &self,
        batch: &mut Batch<'_>,
        deletion: &mut Deletion,
    ) -> Result<Changed> {
        match &self.action {
            Action::Put {
                mode,
                fields,
                option,
            } => put::put(batch, self, *mode, fields, option),
            Action::Update { patch, option } => update::update(batch, self, patch, option),
            Action::Delete { hard } => delete::delete(batch, self, *hard, deletion),
        }
    }

    /// Refuses a row that has moved on since whoever asks has read it.
    fn check_rev(&self, database: &str, current: u64) -> Result<()> {
        match self.if_rev {
            Some(wanted) if wanted != current => {
                let hint = if wanted > current {
                    format!(
                        "There has been no revision {wanted} yet: read the row with `/dbc_get`, then decide."
                    )
                } else {
                    "Somebody changed it: read it again with `/dbc_get`, then decide.".to_owned()
                };
                Err(Error::new(
                ErrorKind::Conflict,
                format!(
                    "row `{}` in table `{}` of database `{database}` is at revision {current}, not {wanted}.",
                    inline(&self.key),
                    self.table
                ),
            )
            .option("if_rev")
            .hint(hint))
            }
            _ => Ok(()),
        }
    }
}

/// A row that is not there. Its tombstone, if there is one, tells more.
pub(super) fn no_such_row(
    database: &str,
    table: &str,
    key: &str,
    tombstone: Option<RowView<'_>>,
) -> Error {
    let deleted = match tombstone {
        None => String::new(),
        Some(row) if row.hard => " It was deleted for good.".to_owned(),
        Some(row) => format!(" It was deleted as of revision {}.", row.rev),
    };
    let error = Error::new(
        ErrorKind::NotFound,
        format!(
            "table `{table}` of database `{database}` has no row with key `{}`.{deleted}",
            inline(key)
        ),
    )
    .option("key");
    error.hint(match tombstone {
        Some(row) if !row.hard => {
            "`/dbc_history` shows what it was, and `/dbc_restore_row` brings a revision back."
        }
        _ => "Keys are exact, with capitals and spaces: those that there are are suggested while you type. `/dbc_insert` makes a new row.",
    })
}

/// What an error about a row begins with.
pub fn place(database: &str, table: &str, key: &str) -> String {
    format!(
        "row `{}` of table `{}` in database `{}`",
        inline(key),
        inline(table),
        inline(database)
    )
}

/// Refuses a document that no row can hold.
fn check_size(option: &'static str, fields: &Map<String, Value>) -> Result<()> {
    document::check_values(option, document::values(fields))?;
    check_bytes(option, document::to_text(fields).len())
}

fn check_bytes(option: &'static str, bytes: usize) -> Result<()> {
    if bytes <= ROW_BYTES {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooLarge,
        format!(
            "the row would be {bytes} bytes as JSON; a row has at most {ROW_BYTES} ({} MiB).",
            ROW_BYTES >> 20
        ),
    )
    .option(option)
    .hint("Split it over several rows."))
}
