//! `/dbc_schema_set`

use twilight_interactions::command::{CommandModel, CommandOption, CreateCommand, CreateOption};
use twilight_model::channel::Attachment;

use super::input::{self, Options};
use super::results::rows_of;
use super::{Context, SlashCommand, manage_server};
use crate::engine::Database;
use crate::engine::document;
use crate::engine::set_schema::{NewSchema, Outcome, SetSchema};
use crate::engine::state::Validate;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::interactions::Reply;

/// Say what the rows of a table must be like
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_schema_set",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct SchemaSet {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// The schema: {"required":["email"],"properties":{"email":"str","team":{"ref":"teams"}}}
    #[command(max_length = 6000)]
    schema_json: Option<String>,
    /// Instead of schema_json: a file with the schema
    schema_file: Option<Attachment>,
    /// What to do about rows that break it (default: strict); without a schema: about the one there is
    validate: Option<Mode>,
    /// Instead of a schema: take the table's schema away
    remove: Option<bool>,
}

#[derive(CommandOption, CreateOption)]
enum Mode {
    #[option(name = "strict: refuse them", value = "strict")]
    Strict,
    #[option(name = "warn: store them, and say so", value = "warn")]
    Warn,
    #[option(name = "off: check nothing", value = "off")]
    Off,
}

impl From<Mode> for Validate {
    fn from(mode: Mode) -> Validate {
        match mode {
            Mode::Strict => Validate::Strict,
            Mode::Warn => Validate::Warn,
            Mode::Off => Validate::Off,
        }
    }
}

impl SlashCommand for SchemaSet {
    const HELP: &'static str = "JSON Schema (draft 2020-12) with short types: `str int float bool list dict any datetime`. `default`s are filled in; `{\"ref\":\"users\",\"on_delete\":\"cascade\"}` names rows of another table. \
        Refused when rows break it, unless `validate` says `warn` or `off`; alone, `validate` changes that and keeps the schema. Each change is a version of its own: `/dbc_schema_show`. `remove:true` takes it away.";
    const EXAMPLE: &'static str = "/dbc_schema_set database:prod table:users schema_json:{\"required\":[\"email\"],\"properties\":{\"email\":\"str\",\"role\":{\"type\":\"str\",\"default\":\"pupil\"}}}";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.engine.database(&self.database).await?;
        let validate = self.validate.map(Validate::from);
        let new = if self.remove == Some(true) {
            if self.schema_json.is_some() || self.schema_file.is_some() || validate.is_some() {
                let message = "it goes with neither a schema nor `validate`.";
                return Err(Error::invalid("remove", message)
                    .hint("Give a schema, or take the table's away."));
            }
            NewSchema {
                fields: None,
                option: "remove",
                validate: Validate::default(),
                if_version: None,
            }
        } else if let (Some(validate), None, None) =
            (validate, &self.schema_json, &self.schema_file)
        {
            same_schema(&database, &self.table, validate).await?
        } else {
            let options = Options {
                json: "schema_json",
                file: "schema_file",
            };
            let input = input::read(&context, options, self.schema_json, self.schema_file).await?;
            NewSchema {
                fields: Some(document::parse_schema(input.option, &input.text)?),
                option: input.option,
                validate: validate.unwrap_or_default(),
                if_version: None,
            }
        };
        let is_removal = new.fields.is_none();
        let validate = new.validate;
        let set = database
            .set_schema(&context.origin, &self.table, new)
            .await?;
        let of = format!("`{}.{}`", self.database, self.table);
        Ok(Reply::new(match set {
            Outcome::AsBefore(None) => format!("{of} has no schema. Nothing was written."),
            Outcome::AsBefore(Some(version)) => format!(
                "This is the schema of {of} already: version {version}, {}. Nothing was written.",
                validate.as_str()
            ),
            Outcome::Set(set) if is_removal => format!(
                "{of} has no schema any more (commit #{}). `/dbc_schema_show` shows what it was.",
                set.at.seq()
            ),
            Outcome::Set(set) => format!(
                "The schema of {of} is version {}, {} (commit #{}).{}",
                set.value.version,
                validate.as_str(),
                set.at.seq(),
                describe(&set.value, validate)
            ),
        }))
    }
}

/// The schema that there is, to be enforced in another way.
async fn same_schema<H: Host>(
    database: &Database<H>,
    table: &str,
    validate: Validate,
) -> Result<NewSchema> {
    let option = "validate";
    let current = database.schema(table, None).await?;
    let of = format!("table `{table}` in database `{}`", database.name);
    let Some(text) = &current.text else {
        let message = format!("{of} has no schema.");
        return Err(Error::invalid(option, message).hint("Give one in `schema_json`."));
    };
    Ok(NewSchema {
        fields: Some(document::parse_schema(option, text)?),
        option,
        validate,
        if_version: Some(current.version.number),
    })
}

fn describe(set: &SetSchema, validate: Validate) -> String {
    if validate == Validate::Off {
        return " No row is held against it.".to_owned();
    }
    if set.misfits.rows == 0 {
        return match set.rows {
            0 => String::new(),
            1 => " The 1 row that there is fits it.".to_owned(),
            rows => format!(" All {} fit it.", rows_of(rows)),
        };
    }
    let (counted, told) = (set.counted(), set.misfits.told());
    format!("\n⚠️ {counted} do not fit it: {told}.")
}
