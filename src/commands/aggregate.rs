//! `/dbc_aggregate`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::input::{self, Options};
use super::{Context, SlashCommand, manage_server, results};
use crate::engine::find::Aggregate;
use crate::error::Result;
use crate::host::Host;
use crate::interactions::Reply;

/// Rows of a result that are shown at most; as many as `/dbc_find` takes for a page.
const RESULT_ROWS: usize = 1_000;

/// Put the rows of a table through stages: group, sort, join, count
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_aggregate",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct AggregateRows {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// A JSON list of stages: [{"$group":{"_id":"$role","rows":{"$count":{}}}}]
    #[command(max_length = 6000)]
    pipeline_json: Option<String>,
    /// Instead of pipeline_json: a file with the JSON list
    pipeline_file: Option<Attachment>,
}

impl SlashCommand for AggregateRows {
    const HELP: &'static str = "Stages are MongoDB's: `$match $group $sort $limit $skip $project $unwind $lookup $count`, at most 20. \
        Groups have `$sum $avg $min $max $count $push $addToSet $first $last`. Values are `\"$field\"`, `\"$$ROOT\"`, `{\"$literal\":…}` and objects of these. \
        Answers are exact: what was acknowledged is in them at once.";
    const EXAMPLE: &'static str = "/dbc_aggregate database:prod table:users pipeline_json:[{\"$match\":{\"age\":{\"$gte\":18}}},{\"$group\":{\"_id\":\"$role\",\"rows\":{\"$count\":{}},\"age\":{\"$avg\":\"$age\"}}},{\"$sort\":{\"rows\":-1}}]";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let options = Options {
            json: "pipeline_json",
            file: "pipeline_file",
        };
        let input = input::read(&context, options, self.pipeline_json, self.pipeline_file).await?;
        let question = Aggregate {
            option: input.option,
            pipeline: &input.text,
            limit: RESULT_ROWS,
        };
        let (output, cost) = database.aggregate(&self.table, question).await?;
        let shown = results::rows_of(output.rows.len());
        let (of, more) = if output.count > output.rows.len() {
            let more = "The others are to be had with `$sort`, `$skip` and `$limit` at the end.";
            (format!(" of {}", output.count), more)
        } else {
            (String::new(), "")
        };
        let head = format!(
            "{shown}{of} from `{}.{}` · {}",
            self.database,
            self.table,
            results::cost(&cost)
        );
        let rows: Vec<&str> = output.rows.iter().map(String::as_str).collect();
        let file = format!("{}.json", self.table);
        Ok(results::reply(&head, &rows, more, &file))
    }
}
