//! `/dbc_index_create`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::{Context, SlashCommand, manage_server};
use crate::engine::index::Definition;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;
use crate::text::inline;

/// Index fields of a table: find rows fast, keep values unique
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_index_create",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct IndexCreate {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// Field, or several with commas: email or address.zip or team,name
    #[command(max_length = 1000)]
    field: String,
    /// No two rows may have the same value (default: false)
    unique: Option<bool>,
    /// Leave out rows that have none of the fields (default: false)
    sparse: Option<bool>,
}

impl SlashCommand for IndexCreate {
    const HELP: &'static str = "A row has one value in it, a list one for each item, and a missing field counts as null. Several fields make one index \
        that is sorted by the first, then the second. A `unique` index refuses writes that would give two rows the same value; \
        with `sparse`, rows without the fields are left out, so that any number of them may lack it. \
        Queries use it at once (see `/dbc_explain`); its channel `#idx-<table>-<field>` fills in the background.";
    const EXAMPLE: &'static str =
        "/dbc_index_create database:prod table:users field:email unique:true";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let unique = self.unique.unwrap_or(false);
        let sparse = self.sparse.unwrap_or(false);
        let index = Definition::parse("field", &self.field, unique, sparse)?;
        let rules = match index.rules() {
            "" => String::new(),
            rules => format!(" ({rules})"),
        };
        let created = database
            .create_index(&context.origin, &self.table, index)
            .await?;
        let rows = super::results::rows_of(created.value.rows);
        let shown = if database.is_mirrored(&self.table) {
            " Its channel appears shortly and fills at about one row a second."
        } else {
            ""
        };
        Ok(Reply::new(format!(
            "Index over `{}`{rules} of `{}.{}` is created, from {rows} (commit #{}). Queries use it from now on.{shown}",
            inline(&created.value.name),
            self.database,
            self.table,
            created.at.seq(),
        )))
    }
}
