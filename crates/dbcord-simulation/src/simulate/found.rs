//! What answers to questions say.

use serde_json::{Map, Value};

use super::answer::{Answer, NO_TABLE, Refusal, number_after};
use super::query::Query;
use super::rules::INDEXES;

/// What a question found, as far as its answer tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// How many are shown, or would be.
    pub count: usize,
    /// Rows or values, in order; none where they are not shown, or stand in a file that could not be fetched.
    pub shown: Option<Vec<Value>>,
    /// How many match.
    pub matched: Option<usize>,
    pub has_more: Option<bool>,
    /// Which of [`INDEXES`] the table has, a bit each.
    pub indexes: Option<u8>,
}

impl Found {
    /// Whether the answer is this one, as far as it tells.
    pub fn is_told_as(&self, told: &Found) -> bool {
        fn agree<T: PartialEq>(known: Option<&T>, told: Option<&T>) -> bool {
            known.zip(told).is_none_or(|(known, told)| known == told)
        }
        self.count == told.count
            && agree(self.shown.as_ref(), told.shown.as_ref())
            && agree(self.matched.as_ref(), told.matched.as_ref())
            && agree(self.has_more.as_ref(), told.has_more.as_ref())
            && agree(self.indexes.as_ref(), told.indexes.as_ref())
    }
}

/// Reads the reply to a question.
pub fn read_found(query: &Query, reply: &str, file: Option<&str>) -> Answer {
    if reply.contains(NO_TABLE) {
        return Answer::Refused(Refusal::NoTable);
    }
    let found = match query {
        Query::Explain(_) => read_plan(reply),
        Query::Count(_) => read_count(reply),
        Query::Find(_) | Query::Distinct(..) | Query::Aggregate(..) => {
            let found = read_list(query, reply, file);
            found.filter(|_| head(reply).contains(" · exact as of commit #"))
        }
    };
    match found {
        Some(found) => Answer::Found(found),
        None if reply.contains("to Discord · exact as of") => {
            Answer::Wrong(format!("the answer to {query} cannot be read: {reply}"))
        }
        None => Answer::Unread,
    }
}

/// Reads the reply to a question whose answer is exact.
pub fn read_exact(query: &Query, reply: &str, file: Option<&str>) -> Option<Found> {
    match read_found(query, reply, file) {
        Answer::Found(found) => Some(found),
        _ => None,
    }
}

/// Reads the reply to a question that says of itself that it may be out of date.
pub fn read_eventual(query: &Query, reply: &str, file: Option<&str>) -> Option<Found> {
    if !head(reply).contains(" · eventual: ") {
        return None;
    }
    match query {
        Query::Count(_) => read_count(reply),
        _ => read_list(query, reply, file),
    }
}

fn head(reply: &str) -> &str {
    reply.lines().next().unwrap_or_default()
}

/// `4 rows in …`
fn read_count(reply: &str) -> Option<Found> {
    let (count, _) = reply.split_once(" in `")?;
    Some(Found {
        count: count_of_rows(count)?,
        ..Found::default()
    })
}

/// `2 rows of 5 in …`, `2 rows (there are more) in …`, or `3 different values of …`, and then what they are.
fn read_list(query: &Query, reply: &str, file: Option<&str>) -> Option<Found> {
    let (head, body) = reply.split_once('\n').unwrap_or((reply, ""));
    let words: Vec<&str> = head.split(' ').collect();
    let count: usize = words.first()?.parse().ok()?;
    let is_find = matches!(query, Query::Find(_));
    let (mut matched, mut has_more) = (None, None);
    if is_find {
        let is_more = body.contains("Next page: `cursor:");
        has_more = Some(is_more);
        match words.get(2..4)? {
            ["(there", "are"] => {}
            ["of", number] => matched = number.parse().ok(),
            _ if head.contains("left out") => {}
            _ => matched = Some(count),
        }
    }
    let fenced = |begin: &str| {
        let (_, rest) = body.split_once(begin)?;
        Some(rest.rsplit_once("\n```")?.0)
    };
    let shown = if let Some(lines) = fenced("```json\n") {
        let values = lines.lines().map(serde_json::from_str);
        Some(values.collect::<Result<Vec<Value>, _>>().ok()?)
    } else if let Some(table) = fenced("```\n") {
        Some(read_table(table)?)
    } else if body.contains("They do not fit a message") {
        file.and_then(|file| serde_json::from_str(file).ok())
    } else {
        Some(Vec::new())
    };
    if shown.as_ref().is_some_and(|shown| shown.len() != count) {
        return None;
    }
    Some(Found {
        count,
        shown,
        matched,
        has_more,
        indexes: None,
    })
}

/// A line with the names, one of dashes, and one for each row; columns stand below their names.
fn read_table(table: &str) -> Option<Vec<Value>> {
    let mut lines = table.lines();
    let (names, _) = (lines.next()?, lines.next()?);
    let mut columns: Vec<(usize, &str)> = Vec::new();
    let mut from = 0;
    for name in names.split_whitespace() {
        from += names.get(from..)?.find(name)?;
        columns.push((from, name));
        from += name.len();
    }
    let row = |line: &str| {
        let mut fields = Map::new();
        for (at, (from, name)) in columns.iter().enumerate() {
            let until = columns.get(at + 1).map_or(line.len(), |(next, _)| *next);
            let cell = line.get(*from..until.min(line.len())).unwrap_or_default();
            let cell = cell.trim();
            if !cell.is_empty() {
                fields.insert((*name).to_owned(), read_cell(cell));
            }
        }
        Value::Object(fields)
    };
    Some(lines.map(row).collect())
}

/// JSON, but for strings that look like nothing else: these stand there without their quotes.
fn read_cell(cell: &str) -> Value {
    let value = serde_json::from_str(cell);
    let value = value.or_else(|_| serde_json::from_str(&format!("\"{cell}\"")));
    value.unwrap_or_else(|_| Value::from(cell))
}

/// `… returned: 2 rows, and there are more (5 match)`
fn read_plan(reply: &str) -> Option<Found> {
    let (_, returned) = reply.split_once(" · returned: ")?;
    let returned = returned.lines().next()?;
    let mut indexes = 0;
    for (bit, index) in INDEXES.iter().enumerate() {
        let name = format!("`INDEX {index}");
        let is_named = |end: &str| reply.contains(&format!("{name}{end}"));
        indexes |= u8::from(is_named("`") || is_named(" (")) << bit;
    }
    let matched = returned
        .contains(" match)")
        .then(|| number_after(returned, "("));
    Some(Found {
        count: count_of_rows(returned.split([',', '(']).next()?)?,
        shown: None,
        matched: matched.flatten().map(|matched| matched as usize),
        has_more: Some(returned.contains("there are more")),
        indexes: (!reply.ends_with('…')).then_some(indexes),
    })
}

/// `1 row`, `20 rows`
fn count_of_rows(text: &str) -> Option<usize> {
    let number = text.trim().strip_suffix('s').unwrap_or(text.trim());
    number.strip_suffix(" row")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::query::{Filter, Find, Select};
    use serde_json::json;

    fn find() -> Find {
        Find {
            filter: Filter::All,
            sort: Vec::new(),
            skip: 0,
            limit: 20,
            select: Select::Everything,
        }
    }

    const COST: &str = "looked at 3 rows in memory by `SCAN` · 1 ms, 0 requests to Discord · exact as of commit #5";

    fn read(query: &Query, text: &str) -> Found {
        match read_found(query, &text.replace("COST", COST), None) {
            Answer::Found(found) => found,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn rows_are_read_from_tables_and_from_lines() {
        let table = "2 rows of 5 in `prod.users` · COST\n```\nid  code  team\n--------------\n1         \"2\"\n2   null\n```\nNext page: `cursor:abc`";
        let found = read(&Query::Find(find()), table);
        let rows = vec![
            json!({"id": 1, "team": "2"}),
            json!({"id": 2, "code": null}),
        ];
        assert_eq!(found.shown, Some(rows));
        assert_eq!(
            (found.count, found.matched, found.has_more),
            (2, Some(5), Some(true))
        );
        let lines = "1 row in `prod.users` · COST\n```json\n{\"id\":\"a\",\"tags\":[\"x\"]}\n```";
        let found = read(&Query::Find(find()), lines);
        assert_eq!(found.shown, Some(vec![json!({"id":"a","tags":["x"]})]));
        assert_eq!(
            (found.count, found.matched, found.has_more),
            (1, Some(1), Some(false))
        );
        let skipped = "0 rows in `prod.users`, the first 2 left out · COST";
        let found = read(&Query::Find(find()), skipped);
        assert_eq!((found.count, found.matched), (0, None));
    }

    #[test]
    fn counts_and_plans_are_read() {
        let count = Query::Count(Filter::All);
        assert_eq!(read(&count, "1 row in `prod.users` · COST").count, 1);
        let plan = "**Plan** for `prod.teams`: `INDEX code`\nlooked at: 1 value of the index, 1 row · returned: 1 row, and there are more (3 match)\nnot taken:\n- `SCAN` · 3 rows\n- `INDEX tags` · no use";
        let found = read(&Query::Explain(find()), plan);
        assert_eq!(
            (found.count, found.matched, found.has_more),
            (1, Some(3), Some(true))
        );
        assert_eq!(found.indexes, Some(0b1001));
        let unread = read_found(&count, "❌ Try again.", None);
        assert_eq!(unread, Answer::Unread);
    }
}
