//! Changing all rows that match, in one commit.

use super::commit::{Committed, Need, Touch};
use super::database::Database;
use super::find::Asked;
use super::log::Origin;
use super::query::Filter;
use super::query::memory::{self, Candidate};
use super::row::{Action, Change, Changed, Deletion};
use super::state::{Batch, TableView};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::limits::TRANSACTION_OPERATIONS;

/// What is to become of rows that match.
#[derive(Debug, Clone)]
pub struct Many {
    pub table: String,
    pub filter: Filter,
    /// The option that the filter came in.
    pub option: &'static str,
    pub action: Action,
    /// How many rows have to match, where somebody wants to be sure.
    pub expect: Option<usize>,
}

/// What became of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManyChanged {
    /// Of the rows that matched, in order.
    pub keys: Vec<String>,
    pub changed: Changed,
}

impl<H: Host> Database<H> {
    /// Changes all rows that match as of the commit that does it, or none of them.
    ///
    /// # Errors
    /// The first row whose change is refused; more rows than a commit takes, or others than were expected; or
    /// a commit that failed.
    pub async fn change_many(&self, origin: &Origin, many: Many) -> Result<Committed<ManyChanged>> {
        let need = many.need();
        let build = move |batch: &mut Batch<'_>| many.stage(batch);
        self.write_to(origin, vec![need], build).await
    }

    /// What [`Database::change_many`] would come to now.
    ///
    /// # Errors
    /// What it would be refused for.
    pub async fn rehearse_many(&self, many: &Many) -> Result<ManyChanged> {
        let stage = |batch: &mut Batch<'_>| many.stage(batch);
        self.rehearse(&[many.need()], stage).await
    }
}

impl Many {
    fn need(&self) -> Need {
        Need {
            table: self.table.clone(),
            touch: match self.action {
                Action::Delete { .. } => Touch::Delete,
                Action::Put { .. } | Action::Update { .. } => Touch::Put,
            },
        }
    }

    fn stage(&self, batch: &mut Batch<'_>) -> Result<ManyChanged> {
        let table = batch.table(&self.table)?;
        let keys = self.matching(batch, &table)?;
        self.check_number(batch.database(), keys.len())?;
        let mut changed = Changed::default();
        let mut deletion = Deletion::default();
        for key in &keys {
            let change = Change {
                table: self.table.clone(),
                key: key.clone(),
                if_rev: None,
                action: self.action.clone(),
            };
            changed.add(change.stage(batch, &mut deletion)?);
        }
        // Of all of them at once: in which order they come makes no difference.
        changed.add(deletion.finish(batch).map_err(|(_, error)| error)?);
        Ok(ManyChanged { keys, changed })
    }

    /// The keys of the rows that match after the writes before this one, in their order.
    ///
    /// # Errors
    /// When finding them costs more than it may.
    fn matching(&self, batch: &Batch<'_>, table: &TableView) -> Result<Vec<String>> {
        let before = batch.base().table_by_id(table.id).into_iter();
        let before = before.flat_map(|(_, before)| {
            let (_, way) = Asked::new(batch.base(), before).all_rows(&self.filter);
            way.candidates
        });
        let before = before.filter(|row| !batch.is_staged(table, row.key));
        let staged = batch.staged_documents(table);
        let staged = staged.map(|(key, doc)| Candidate { key, doc });
        let mut keys = memory::keys(before.chain(staged), &self.filter)?;
        keys.sort_unstable();
        Ok(keys.into_iter().map(str::to_owned).collect())
    }

    /// Refuses a number of rows that is not the expected one, or more than one commit changes.
    ///
    /// # Errors
    /// With both numbers.
    fn check_number(&self, database: &str, found: usize) -> Result<()> {
        let of = format!("table `{}` of database `{database}`", self.table);
        if let Some(expected) = self.expect.filter(|&expected| expected != found) {
            let message = format!("{found} rows of {of} match, not {expected}.");
            return Err(Error::new(ErrorKind::Conflict, message)
                .option("expect")
                .hint("Look at them with `/dbc_find`, then decide."));
        }
        if found > TRANSACTION_OPERATIONS {
            let message = format!(
                "{found} rows of {of} match; one commit changes at most {TRANSACTION_OPERATIONS}."
            );
            return Err(Error::new(ErrorKind::TooLarge, message)
                .option(self.option)
                .hint("Ask for a part of them, by a range of keys or values."));
        }
        Ok(())
    }
}
