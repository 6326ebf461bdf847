//! `/dbc_find`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::{Context, SlashCommand, input, manage_server, results};
use crate::engine::find::{Find, Include, Next, Rows};
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Find the rows of a table that match
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_find",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct FindRows {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// What must hold, as JSON: {"role":"teacher","age":{"$gte":18}}; without it, all rows
    #[command(max_length = 6000)]
    where_json: Option<String>,
    /// Instead of where_json: a file with the filter
    where_file: Option<Attachment>,
    /// Fields to sort by, a minus for descending: -age,name
    #[command(max_length = 1000)]
    sort: Option<String>,
    /// Fields to show: name,address.zip - or to leave out: -notes
    #[command(max_length = 1000)]
    select: Option<String>,
    /// References whose rows to show in place of their keys: author,author.team
    #[command(max_length = 1000)]
    include: Option<String>,
    /// How many rows at most (default: 20)
    #[command(min_value = 1, max_value = 1000)]
    limit: Option<i64>,
    /// How many of the first to leave out
    #[command(min_value = 0)]
    skip: Option<i64>,
    /// From the reply to the page before, to go on after it
    #[command(max_length = 6000)]
    cursor: Option<String>,
    /// Where the rows come from (default: memory, which is exact, wherever the table fits)
    via: Option<input::ViaOption>,
}

impl SlashCommand for FindRows {
    const HELP: &'static str = "Filters are MongoDB's: `{\"age\":{\"$gte\":18}}`, `{\"tags\":\"x\"}`, `{\"$or\":[…]}`. There are \
        `$eq $ne $gt $gte $lt $lte $in $nin $exists $contains $prefix $regex $size $all $elemMatch $type $not`, `$and $or $nor` and `$text`. \
        Answers are exact: what was acknowledged is in them at once. With `via:search` or `via:scan`, rows are taken from their messages, which follow later.";
    const EXAMPLE: &'static str =
        "/dbc_find database:prod table:users where_json:{\"role\":\"teacher\"} sort:-age limit:10";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let filter = input::filter(&context, self.where_json, self.where_file).await?;
        let find = Find {
            filter,
            sort: self.sort,
            select: self.select,
            include: match &self.include {
                Some(include) => Include::parse(include)?,
                None => Include::default(),
            },
            // The page before left them out.
            skip: match self.cursor {
                Some(_) => 0,
                None => input::number(self.skip),
            },
            limit: input::limit(self.limit),
            cursor: self.cursor.as_deref().map(bare),
            via: self.via.map(Into::into),
        };
        let (rows, cost) = database.find(&self.table, &find).await?;
        let of = format!("`{}.{}`", self.database, self.table);
        let head = describe(&of, &find, &rows, &results::cost(&cost));
        let more = match &rows.next {
            Next::Nothing => String::new(),
            Next::Cursor(cursor) => format!("Next page: `cursor:{cursor}`"),
            Next::TooLong => {
                "There are more; the values sorted by are too long for a cursor, so use `skip`."
                    .to_owned()
            }
        };
        let docs: Vec<&str> = rows.rows.iter().map(|row| row.doc.as_str()).collect();
        let file = format!("{}.json", self.table);
        Ok(results::reply(&head, &docs, &more, &file))
    }
}

/// A cursor as it is, of one that was copied with what stands around it in the reply.
fn bare(cursor: &str) -> String {
    let cursor = cursor.trim().trim_matches('`');
    cursor.strip_prefix("cursor:").unwrap_or(cursor).to_owned()
}

fn describe(of: &str, find: &Find, found: &Rows, cost: &str) -> String {
    let shown = results::rows_of(found.rows.len());
    let left = match find.cursor {
        Some(_) => " that were left",
        None => "",
    };
    let all = match found.matched {
        Some(matched) if matched > found.rows.len() => format!(" of {matched}{left}"),
        None => " (there are more)".to_owned(),
        Some(_) => String::new(),
    };
    let after = match find.skip {
        0 => String::new(),
        skipped => format!(", the first {skipped} left out"),
    };
    format!("{shown}{all} in {of}{after} · {cost}")
}
