//! Creating and dropping indexes.

use super::{Definition, clashes};
use crate::engine::commit::Committed;
use crate::engine::database::Database;
use crate::engine::log::{Op, Origin};
use crate::engine::state::Batch;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::limits::TABLE_INDEXES;
use crate::text::{inline, near_or_known};

/// An index that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedIndex {
    pub name: String,
    /// Rows that the table had.
    pub rows: usize,
}

impl<H: Host> Database<H> {
    /// Creates an index of a table. It is used from this commit on; its channel, if the table has one,
    /// follows in the background.
    ///
    /// # Errors
    /// No such table, an index over the same fields, or rows that it may not be over.
    pub async fn create_index(
        &self,
        origin: &Origin,
        table: &str,
        definition: Definition,
    ) -> Result<Committed<CreatedIndex>> {
        self.check_table(table).await?;
        if self.is_mirrored(table) {
            let what = format!("an index of table `{table}`");
            self.check_room(&what).await?;
        }
        let name = table.to_owned();
        let build = move |batch: &mut Batch<'_>| {
            let table = batch.table(&name)?;
            let indexes = batch.indexes(table.id);
            let fields = definition.fields();
            if let Some(same) = indexes.values().find(|index| index.fields() == fields) {
                return Err(exists(batch.database(), &name, same));
            }
            if indexes.len() >= TABLE_INDEXES {
                let message = format!(
                    "table `{name}` of database `{}` has {TABLE_INDEXES} indexes, which is as many as a table can have.",
                    batch.database()
                );
                return Err(Error::new(ErrorKind::TooLarge, message)
                    .hint("Drop one that is not needed, by `/dbc_index_drop`."));
            }
            let place = (batch.database(), name.as_str());
            clashes(&definition, place, batch.documents(&table))?;
            let rows = batch.documents(&table).count();
            batch.push(Op::CreateIndex {
                table: name.clone(),
                id: batch.next_table_id(),
                fields,
                unique: definition.unique,
                sparse: definition.sparse,
            })?;
            let name = definition.name();
            Ok(CreatedIndex { name, rows })
        };
        self.write(origin, &[table], build).await
    }

    /// Drops an index of a table. Its channel goes in the background.
    ///
    /// # Errors
    /// No such table, or no such index.
    pub async fn drop_index(
        &self,
        origin: &Origin,
        table: &str,
        name: &str,
    ) -> Result<Committed<()>> {
        let fields: Vec<&str> = name.split(',').map(str::trim).collect();
        let (table, wanted) = (table.to_owned(), fields.join(","));
        let build = move |batch: &mut Batch<'_>| {
            let of = batch.table(&table)?.id;
            let indexes = batch.indexes(of);
            let found = indexes.iter().find(|(_, index)| index.name() == wanted);
            let Some((&id, _)) = found else {
                let known: Vec<String> = indexes.values().map(|index| index.name()).collect();
                return Err(no_such_index(batch.database(), &table, &wanted, &known));
            };
            let table = table.clone();
            batch.push(Op::DropIndex { table, id })
        };
        self.write(origin, &[], build).await
    }

    /// The indexes of a table by name, as far as they are in memory.
    pub fn index_names(&self, table: &str) -> Vec<String> {
        let Ok(opened) = self.opened() else {
            return Vec::new();
        };
        let Some(table) = opened.state.tables.get(table) else {
            return Vec::new();
        };
        let indexes = opened.state.indexes_of(table.id);
        indexes.map(|index| index.definition.name()).collect()
    }
}

fn exists(database: &str, table: &str, same: &Definition) -> Error {
    let name = inline(&same.name());
    let rules = match same.rules() {
        "" => String::new(),
        rules => format!(" ({rules})"),
    };
    let message = format!(
        "table `{table}` of database `{database}` has an index over `{name}` already{rules}."
    );
    Error::new(ErrorKind::Conflict, message)
        .option("field")
        .hint("To change its rules, drop it first: `/dbc_index_drop`.")
}

fn no_such_index(database: &str, table: &str, wanted: &str, known: &[String]) -> Error {
    let message = format!(
        "table `{table}` of database `{database}` has no index over `{}`.",
        inline(wanted)
    );
    let error = Error::new(ErrorKind::NotFound, message).option("field");
    let hint = near_or_known(wanted, known);
    error.hint(hint.unwrap_or_else(|| "It has none.".to_owned()))
}
