//! `/dbc_init`

use twilight_interactions::command::{CommandModel, CreateCommand};

use super::inspect::describe_lacking;
use super::{Context, SlashCommand, manage_server};
use crate::discord::permissions;
use crate::engine::attachments::Access;
use crate::engine::init::{InitOptions, InitReport};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::interactions::Reply;

/// Create a database in this server, or complete one whose set-up was interrupted
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_init",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Init {
    /// Name of the database: a-z, 0-9 and _, a letter first
    #[command(max_length = 32)]
    database: String,
    /// Keep @everyone out of its channels (default: true)
    private: Option<bool>,
    /// Take the database over from another deployment that is no longer in use
    takeover: Option<bool>,
}

impl SlashCommand for Init {
    const HELP: &'static str = "Makes a category `dbcord-<database>` with `#dbc-log` (every commit) and `#dbc-catalog` (what there is). \
        Running it again makes whatever is missing and leaves the rest alone. \
        A database belongs to the deployment that made it; `takeover:true` moves it here, which takes a minute.";
    const EXAMPLE: &'static str = "/dbc_init database:prod";
    const WRITES: bool = true;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        check_permissions(context.app_permissions)?;
        if self.takeover == Some(true) {
            let until = context.engine.take_over(&self.database).await?;
            let private = if self.private.is_some() {
                "\n`private` has no effect here: the database stays as visible as it is."
            } else {
                ""
            };
            return Ok(Reply::new(format!(
                "Database `{name}` is being taken over: its log says so, and whoever wrote it so far stops. It can be used here <t:{}:R>; until then, leave it alone.{private}",
                until.div_ceil(1_000),
                name = self.database,
            )));
        }
        let options = InitOptions {
            private: self.private.unwrap_or(true),
        };
        let report = context
            .engine
            .init(&context.origin, &self.database, options)
            .await?;
        Ok(Reply::new(describe(&self.database, self.private, &report)))
    }
}

/// Better told all at once than found out channel by channel.
fn check_permissions(granted: Option<u64>) -> Result<()> {
    let missing = granted.map(permissions::missing).unwrap_or_default();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Forbidden,
        format!("the bot lacks permissions here: {}.", missing.join(", ")),
    )
    .hint("Give them to the bot's role in Server Settings > Roles (and look at this channel's own settings), then try again."))
}

fn describe(database: &str, asked_private: Option<bool>, report: &InitReport) -> String {
    let mut lines = vec![if report.existed && report.made.is_empty() {
        let missing = match report.lacking.as_slice() {
            [] => "nothing was missing.",
            _ => "its channels are, too.",
        };
        format!("Database `{database}` is there already; {missing}")
    } else if report.existed {
        format!(
            "Database `{database}` was there already. Made what was missing: {}.",
            report.made.join(", ")
        )
    } else {
        format!("Database `{database}` is ready.")
    }];
    lines.push(format!(
        "Log: <#{}> · Catalog: <#{}>",
        report.log, report.catalog
    ));
    lines.push(
        if report.private {
            "Made private: only the bot and administrators see its channels."
        } else {
            "Made public: everyone in this server can read its channels."
        }
        .to_owned(),
    );
    if asked_private.is_some_and(|asked| asked != report.private) {
        lines.push(
            "Visibility was chosen when the database was made. To change it, edit the permissions of the category and of its channels; channels made later go along with a category that is hidden."
                .to_owned(),
        );
    }
    if report.attachments == Some(Access::Refused) {
        lines.push("Discord does not let this Worker read files back: a write that does not fit a message takes several, and has at most 128 KiB, packed.".to_owned());
    }
    for lacking in &report.lacking {
        lines.push(format!("⚠️ {}.", describe_lacking(lacking)));
    }
    if !report.existed {
        lines.push(format!(
            "Next: `/dbc_table_create database:{database} table:users pk:id`"
        ));
    }
    lines.join("\n")
}
