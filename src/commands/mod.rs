//! The slash commands: one file each, with definition, options, help, autocomplete, handler and
//! reply. What is registered at Discord is generated from them.

mod aggregate;
mod count;
mod database_drop;
mod databases;
mod delete;
mod delete_many;
mod distinct;
mod explain;
mod find;
mod get;
mod help;
mod history;
mod index_create;
mod index_drop;
mod init;
mod input;
mod insert;
mod inspect;
mod preview;
mod restore_row;
mod results;
mod schema_set;
mod schema_show;
mod suggest;
mod table_create;
mod table_drop;
mod table_rename;
mod transact;
mod update;
mod update_many;

use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::application::command::Command;
use twilight_model::application::interaction::application_command::{
    CommandDataOption, CommandOptionValue,
};
use twilight_model::guild::Permissions;

use crate::engine::row::{self, Changed};
use crate::engine::{Database, Engine, Origin};
use crate::error::{Error, ErrorKind, Result, Written};
use crate::host::Host;
use crate::interactions::{Choice, CommandData, Reply};
use crate::limits::MESSAGE_CONTENT;
use crate::text::{inline, truncate, utf16_len};

/// Characters of a warning.
const WARNING: usize = 300;

/// What a handler has at hand.
pub struct Context<H> {
    pub engine: Rc<Engine<H>>,
    pub origin: Origin,
    /// The bot's permissions in the channel of the command, when Discord told.
    pub app_permissions: Option<u64>,
    /// What the reply has to say beside what the command says.
    pub warning: Rc<RefCell<Option<String>>>,
}

impl<H: Host> Context<H> {
    /// The database, for a command that only reads: it is answered also where the log lacks a commit, with
    /// a warning.
    async fn for_reading(&self, name: &str) -> Result<Rc<Database<H>>> {
        let database = self.engine.for_reading(name).await?;
        self.warning.replace(database.warning().map(str::to_owned));
        Ok(database)
    }
}

/// One slash command.
trait SlashCommand: CreateCommand + CommandModel + 'static {
    /// What the description has no room for.
    const HELP: &'static str;
    /// As one would type it.
    const EXAMPLE: &'static str;
    /// Whether it can change anything; errors of the others do not talk of writing.
    const WRITES: bool;

    fn run<H: Host>(self, context: Context<H>) -> impl Future<Output = Result<Reply>>;

    /// Suggestions for the option that is being typed.
    fn complete<H: Host>(context: Context<H>, typing: Typing) -> impl Future<Output = Vec<Choice>> {
        suggest::names(context, typing)
    }
}

/// An unfinished command line.
struct Typing {
    /// The option under the cursor, and what stands there so far.
    option: String,
    text: String,
    /// The string options filled in already.
    others: Vec<(String, String)>,
    /// The switches that are on.
    flags: Vec<String>,
}

impl Typing {
    fn of(data: &CommandData) -> Option<Typing> {
        let focused = |option: &CommandDataOption| match &option.value {
            CommandOptionValue::Focused(text, _) => Some((option.name.clone(), text.clone())),
            _ => None,
        };
        let filled = |option: &CommandDataOption| match &option.value {
            CommandOptionValue::String(text) => Some((option.name.clone(), text.clone())),
            _ => None,
        };
        let switched_on = |option: &CommandDataOption| match &option.value {
            CommandOptionValue::Boolean(true) => Some(option.name.clone()),
            _ => None,
        };
        let (option, text) = data.options.iter().find_map(focused)?;
        Some(Typing {
            option,
            text,
            others: data.options.iter().filter_map(filled).collect(),
            flags: data.options.iter().filter_map(switched_on).collect(),
        })
    }

    fn other(&self, name: &str) -> Option<&str> {
        let mut others = self.others.iter();
        others.find_map(|(other, value)| (other == name).then_some(value.as_str()))
    }

    fn flag(&self, name: &str) -> bool {
        self.flags.iter().any(|flag| flag == name)
    }
}

type Run<H> = fn(CommandData, Context<H>) -> LocalBoxFuture<'static, Result<Reply>>;
type Complete<H> = fn(Context<H>, Typing) -> LocalBoxFuture<'static, Vec<Choice>>;

struct Entry<H> {
    name: &'static str,
    definition: fn() -> Command,
    help: &'static str,
    example: &'static str,
    run: Run<H>,
    complete: Complete<H>,
}

impl<H: Host> Entry<H> {
    fn new<C: SlashCommand>() -> Self {
        Entry {
            name: C::NAME,
            definition: || C::create_command().into(),
            help: C::HELP,
            example: C::EXAMPLE,
            run: |data, context| {
                Box::pin(async move {
                    let command = C::from_interaction(data.into()).map_err(not_ours)?;
                    let result = command.run(context).await;
                    result.map_err(|error| match C::WRITES {
                        true => error,
                        false => error.written(Written::ReadOnly),
                    })
                })
            },
            complete: |context, typing| Box::pin(C::complete(context, typing)),
        }
    }
}

/// Every command there is, in the order in which help lists them.
macro_rules! commands {
    ($($command:ty),* $(,)?) => {
        fn registry<H: Host>() -> Vec<Entry<H>> {
            vec![$(Entry::new::<$command>()),*]
        }

        /// Whether a command can change anything. One that nobody knows cannot.
        pub fn writes(name: &str) -> bool {
            [$((<$command>::NAME, <$command>::WRITES)),*].contains(&(name, true))
        }

        /// Every command's definition.
        pub fn definitions() -> Vec<Command> {
            vec![$(<$command>::create_command().into()),*]
        }
    };
}

commands![
    init::Init,
    databases::Databases,
    database_drop::DatabaseDrop,
    table_create::TableCreate,
    table_rename::TableRename,
    table_drop::TableDrop,
    schema_set::SchemaSet,
    schema_show::SchemaShow,
    index_create::IndexCreate,
    index_drop::IndexDrop,
    insert::Insert,
    get::Get,
    find::FindRows,
    count::Count,
    distinct::ListDistinct,
    aggregate::AggregateRows,
    explain::Explain,
    update::Update,
    delete::Delete,
    update_many::UpdateMany,
    delete_many::DeleteMany,
    transact::Transact,
    history::ShowHistory,
    restore_row::RestoreRow,
    inspect::Inspect,
    help::Help,
];

/// The registration JSON: every command as Discord's API takes it.
pub fn registration() -> Vec<Value> {
    definitions()
        .iter()
        .filter_map(|command| serde_json::to_value(command).ok())
        .map(|mut command| {
            if let Some(fields) = command.as_object_mut() {
                // Discord numbers versions itself.
                fields.remove("version");
                let options = fields.get_mut("options").and_then(Value::as_array_mut);
                for option in options
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_object_mut)
                {
                    // Only some types of options know the field at all.
                    if option.get("autocomplete") == Some(&Value::Bool(false)) {
                        option.remove("autocomplete");
                    }
                }
            }
            command
        })
        .collect()
}

/// Runs a command.
///
/// # Errors
/// What the command refuses or fails on.
pub async fn run<H: Host>(data: CommandData, context: Context<H>) -> Result<Reply> {
    match registry().into_iter().find(|entry| entry.name == data.name) {
        Some(entry) => {
            let warning = Rc::clone(&context.warning);
            let place = place(&data);
            let result = (entry.run)(data, context).await;
            let result = result.map_err(|error| placed(error, place));
            match warning.take() {
                Some(warning) => warned(result, &warning),
                None => result,
            }
        }
        None => Err(Error::new(
            ErrorKind::NotFound,
            format!("This deployment has no command `/{}`.", data.name),
        )
        .hint("An operator can bring Discord's list up to date with `scripts/register`.")),
    }
}

/// The database that a command is about, and what errors call it, its table, or its row.
fn place(data: &CommandData) -> Option<(String, String)> {
    let given = |name: &str| {
        let mut options = data.options.iter();
        options.find_map(|option| match &option.value {
            CommandOptionValue::String(text) if option.name == name => Some(text.as_str()),
            _ => None,
        })
    };
    let database = given("database")?;
    let place = match (given("table"), given("key")) {
        (Some(table), Some(key)) => row::place(database, table, key),
        (Some(table), None) => format!(
            "table `{}` in database `{}`",
            inline(table),
            inline(database)
        ),
        (None, _) => format!("database `{}`", inline(database)),
    };
    Some((inline(database), place))
}

/// The error, with what it is about if it does not say so.
fn placed(error: Error, place: Option<(String, String)>) -> Error {
    // What is no name names nothing.
    let is_of_name = matches!(error.option, Some("database" | "table" | "key"));
    match place {
        Some((database, place)) if !is_of_name => {
            let says_so = [format!("`{database}`"), format!("`{database}.")];
            match says_so.iter().any(|named| error.message.contains(named)) {
                true => error,
                false => error.about(&place),
            }
        }
        _ => error,
    }
}

/// An answer that may lack something says so first, and where nothing was found, last.
fn warned(result: Result<Reply>, warning: &str) -> Result<Reply> {
    let mut reply = result.map_err(|error| {
        let hint = error.hint.clone().unwrap_or_default();
        error.hint(format!("{hint}\n{warning}"))
    })?;
    let content = format!("{warning}\n{}", reply.content);
    if reply.file.is_some() || utf16_len(&content) <= MESSAGE_CONTENT {
        reply.content = content;
    } else {
        let text = std::mem::replace(&mut reply.content, format!("{warning}\nSee the file."));
        reply.file = Some(("answer.md".to_owned(), text));
    }
    Ok(reply)
}

/// Suggests values for the option that is being typed.
pub async fn complete<H: Host>(data: &CommandData, context: Context<H>) -> Vec<Choice> {
    let entry = registry().into_iter().find(|entry| entry.name == data.name);
    match (entry, Typing::of(data)) {
        (Some(entry), Some(typing)) => (entry.complete)(context, typing).await,
        _ => Vec::new(),
    }
}

/// Makes sure that somebody means what they drop.
fn confirmed(confirm: &str, what: &'static str, name: &str) -> Result<()> {
    if confirm == name {
        return Ok(());
    }
    Err(Error::invalid(
        "confirm",
        format!(
            "it must be the name of the {what}, `{}`, and is `{}`.",
            inline(name),
            inline(confirm)
        ),
    )
    .hint(format!(
        "Give `confirm:{}` if you mean it: what is dropped does not come back.",
        inline(name)
    )))
}

/// What a change came to beside what was asked for, on lines of their own.
fn besides(changed: &Changed) -> String {
    let mut text = String::new();
    let deleted = results::rows_of(changed.deleted);
    let cleared = results::rows_of(changed.cleared);
    match (changed.deleted, changed.cleared) {
        (0, 0) => {}
        (_, 0) => text.push_str(&format!("\nDeleted along, since they named it: {deleted}.")),
        (0, _) => text.push_str(&format!("\nNo longer named by: {cleared}.")),
        _ => text.push_str(&format!(
            "\nDeleted along, since they named it: {deleted}. No longer named by: {cleared}."
        )),
    }
    text + &warnings(changed)
}

/// What breaks a schema that only warns, on lines of its own.
fn warnings(changed: &Changed) -> String {
    let mut text = String::new();
    for warning in &changed.warnings {
        text.push_str(&format!("\n⚠️ {}", truncate(warning, WARNING)));
    }
    if changed.more_warnings > 0 {
        text.push_str(&format!("\n⚠️ and {} more", changed.more_warnings));
    }
    text
}

/// That a row was to become what it is.
fn unchanged((database, table, key): (&str, &str, &str), changed: &Changed) -> Reply {
    Reply::new(format!(
        "`{}` in `{database}.{table}` is like that already, at revision {}; nothing was written.{}",
        inline(key),
        changed.rev,
        besides(changed)
    ))
}

/// A revision as Discord hands it over; it keeps to the least value by itself.
fn revision(option: &'static str, given: i64) -> Result<u64> {
    u64::try_from(given).map_err(|_| Error::invalid(option, "a revision is a whole number from 1."))
}

/// Who sees the commands in Discord's picker until a server's admins decide otherwise.
fn manage_server() -> Permissions {
    Permissions::MANAGE_GUILD
}

/// Options that do not fit the definition: Discord has another version of the command.
fn not_ours(error: twilight_interactions::error::ParseError) -> Error {
    Error::new(
        ErrorKind::InvalidInput,
        format!("The command does not fit this version of dbcord: {error}."),
    )
    .hint("An operator can bring Discord's list up to date with `scripts/register`.")
}
