//! `/dbc_explain`

use twilight_interactions::command::{CommandModel, CreateCommand};
use twilight_model::channel::Attachment;

use super::input::{self, Options};
use super::{Context, SlashCommand, manage_server, results};
use crate::engine::find::{Aggregate, Cost, Find, Next, Rows};
use crate::engine::query::plan::{Access, MEMORY, Plan, Way};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::interactions::Reply;
use crate::limits::MESSAGE_CONTENT;
use crate::text::{truncate, utf16_len};

/// Rows of a pipeline's result that are kept, to be counted only.
const PIPELINE_ROWS: usize = 1;

/// Show how a query is answered: the plan, and what it took
#[derive(CommandModel, CreateCommand)]
#[command(
    name = "dbc_explain",
    default_permissions = "manage_server",
    contexts = "guild",
    integration_types = "guild_install"
)]
pub(super) struct Explain {
    /// Database
    #[command(autocomplete = true, max_length = 32)]
    database: String,
    /// Table
    #[command(autocomplete = true, max_length = 32)]
    table: String,
    /// What must hold, as JSON, as for /dbc_find
    #[command(max_length = 6000)]
    where_json: Option<String>,
    /// Instead of where_json: a file with the filter
    where_file: Option<Attachment>,
    /// Fields to sort by, a minus for descending: -age,name
    #[command(max_length = 1000)]
    sort: Option<String>,
    /// How many rows at most (default: 20)
    #[command(min_value = 1, max_value = 1000)]
    limit: Option<i64>,
    /// How many of the first to leave out
    #[command(min_value = 0)]
    skip: Option<i64>,
    /// Instead of a filter: stages, as for /dbc_aggregate
    #[command(max_length = 6000)]
    pipeline_json: Option<String>,
    /// Instead of pipeline_json: a file with the stages
    pipeline_file: Option<Attachment>,
    /// Where the rows come from (default: memory, which is exact, wherever the table fits)
    via: Option<input::ViaOption>,
}

impl SlashCommand for Explain {
    const HELP: &'static str = "The query is carried out, and its figures are those of that run; rows are not shown. \
        `KEYS` finds rows by their keys, `INDEX` by values in order, `SCAN` looks at all rows; `SEARCH` and `CHANNEL SCAN` take rows from messages. \
        Estimates are counted in the index itself, up to 10,000 values. `/dbc_update_many` and `/dbc_delete_many` find their rows \
        as `/dbc_find` does without an order; a pipeline, by the `$match` that it begins with.";
    const EXAMPLE: &'static str =
        "/dbc_explain database:prod table:users where_json:{\"email\":\"a@example.com\"}";
    const WRITES: bool = false;

    async fn run<H: Host>(self, context: Context<H>) -> Result<Reply> {
        let database = context.for_reading(&self.database).await?;
        let of = format!("`{}.{}`", self.database, self.table);
        if self.pipeline_json.is_some() || self.pipeline_file.is_some() {
            let options = Options {
                json: "pipeline_json",
                file: "pipeline_file",
            };
            let input =
                input::read(&context, options, self.pipeline_json, self.pipeline_file).await?;
            if self.where_json.is_some() || self.where_file.is_some() || self.sort.is_some() {
                let message = "a pipeline has its filter and its order in its stages.";
                return Err(Error::invalid(input.option, message)
                    .hint("Use `$match` and `$sort` there, or leave the pipeline out."));
            }
            if self.limit.is_some() || self.skip.is_some() {
                let message = "a pipeline has `$limit` and `$skip` in its stages.";
                return Err(Error::invalid(input.option, message)
                    .hint("Use them there, or leave the pipeline out."));
            }
            if self.via.is_some() {
                let message = "rows go through a pipeline in memory only.";
                return Err(Error::invalid("via", message).hint("Leave one of the two out."));
            }
            let question = Aggregate {
                option: input.option,
                pipeline: &input.text,
                limit: PIPELINE_ROWS,
            };
            let (output, cost) = database.aggregate(&self.table, question).await?;
            let chosen = &cost.plans.chosen;
            let stages = format!("{} → pipeline", way(chosen));
            let returned = results::rows_of(output.count);
            return Ok(Reply::new(describe(&of, &stages, &returned, &cost, &[])));
        }
        let filter = input::filter(&context, self.where_json, self.where_file).await?;
        let find = Find {
            filter,
            sort: self.sort,
            skip: input::number(self.skip),
            limit: input::limit(self.limit),
            via: self.via.map(Into::into),
            ..Find::default()
        };
        let (rows, cost) = database.find(&self.table, &find).await?;
        let ways = database.ways(&self.table, &find.filter).await?;
        let stages = stages(&find, &cost.plans.chosen);
        let text = describe(&of, &stages, &returned(&rows), &cost, &ways);
        Ok(Reply::new(text))
    }
}

fn returned(found: &Rows) -> String {
    let matched = match found.matched {
        Some(matched) => format!("{matched} match"),
        None => "it ended when there were enough".to_owned(),
    };
    let more = match found.next {
        Next::Nothing => "",
        Next::Cursor(_) | Next::TooLong => ", and there are more",
    };
    format!("{}{more} ({matched})", results::rows_of(found.rows.len()))
}

fn describe(of: &str, stages: &str, returned: &str, cost: &Cost, ways: &[Way]) -> String {
    let chosen = &cost.plans.chosen;
    let loaded = match cost.was_loaded {
        true => "the table was in memory",
        false if cost.report.is_some() => "the table was not loaded",
        false => "the table was loaded for it",
    };
    let values = match cost.keys {
        0 => String::new(),
        1 => "1 value of the index, ".to_owned(),
        keys => format!("{keys} values of the index, "),
    };
    let is_gone = |way: &&Way| match &cost.report {
        None => way.name == MEMORY,
        Some(_) => way.name == chosen.name,
    };
    // What was thought of it before.
    let estimate_of_chosen = match (&cost.report, ways.iter().find(is_gone)) {
        (Some(_), Some(way)) => of_way(way),
        (None, Some(way)) => format!("{}; {}", estimate(chosen), of_way(way)),
        (_, None) => estimate(chosen),
    };
    let mut lines = vec![
        format!("**Plan** for {of}: `{}`", chosen.name),
        format!("stages: {stages}"),
        format!("estimate: {estimate_of_chosen}"),
        format!(
            "looked at: {values}{} · returned: {returned}",
            results::rows_of(cost.examined),
        ),
        format!(
            "requests to Discord: {} ({loaded}) · time: {} ms",
            cost.requests, cost.ms
        ),
        format!("freshness: {}", results::freshness(cost)),
    ];
    let rejected = cost.plans.rejected.iter();
    let rejected = rejected.map(|plan| format!("- `{}` · {}", plan.name, estimate(plan)));
    let useless = cost.plans.useless.iter();
    let useless = useless.map(|(index, why)| format!("- `INDEX {index}` · {why}"));
    let elsewhere = ways.iter().filter(|way| !is_gone(way));
    let elsewhere = elsewhere.map(|way| format!("- `{}` · {}", way.name, of_way(way)));
    let others: Vec<String> = rejected.chain(useless).chain(elsewhere).collect();
    if !others.is_empty() {
        lines.push("not taken:".to_owned());
        lines.extend(others);
    }
    let mut text = String::new();
    for line in lines {
        if utf16_len(&text) + utf16_len(&line) + 10 > MESSAGE_CONTENT {
            text.push_str("\n…");
            break;
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&truncate(&line, MESSAGE_CONTENT / 2));
    }
    text
}

/// The way to the rows, for people.
fn way(plan: &Plan) -> String {
    let mut stages = vec![plan.name.clone()];
    if let Access::Index { bounds, order, .. } = &plan.access {
        let ranges = match bounds.ranges.len() {
            _ if bounds.used == 0 => "all of it".to_owned(),
            1 => "1 range".to_owned(),
            ranges => format!("{ranges} ranges"),
        };
        let order = order.map_or(String::new(), |order| format!(", {order}"));
        stages.push(format!("({ranges}{order})"));
        stages.push("→ rows by their keys".to_owned());
    }
    stages.join(" ")
}

fn stages(find: &Find, plan: &Plan) -> String {
    let mut stages = vec![way(plan)];
    if plan.access == Access::Elsewhere {
        stages.push("→ rows of messages → changes in memory over them".to_owned());
    }
    if !find.filter.conditions().is_empty() {
        stages.push("→ filter".to_owned());
    }
    if plan.sorts {
        stages.push("→ sort".to_owned());
    }
    if find.skip > 0 {
        stages.push(format!("→ skip {}", find.skip));
    }
    stages.push(format!("→ limit {}", find.limit));
    stages.join(" ")
}

fn of_way(way: &Way) -> String {
    let requests = results::requests(way.requests);
    if way.name == MEMORY {
        return format!("{requests} to load the table, none once it is{}", way.but);
    }
    let rows = way
        .rows
        .map_or(String::new(), |rows| format!("{rows} rows, "));
    format!("{rows}at least {requests}{}", way.but)
}

fn estimate(plan: &Plan) -> String {
    let least = if plan.is_at_least { "at least " } else { "" };
    let sorts = if plan.sorts { ", to be sorted" } else { "" };
    format!("{least}{}{sorts}", results::rows_of(plan.rows))
}
