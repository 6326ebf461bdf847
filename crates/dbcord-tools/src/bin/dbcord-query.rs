//! Asks queries of documents, without a database: each line of standard input is a case, each line of
//! standard output its result.
//!
//! A case is `{"docs":[…],"where":{…}}` with `sort`, `select`, `skip`, `limit` where they are wanted, and `pk`
//! where the key field is not `_id`. Rows that are equal in the order come as they stand in `docs`. Or it is
//! `{"docs":[…],"pipeline":[…]}`, with `tables`, an object of lists, where the pipeline joins with some. The
//! result is `{"ok":[…]}`, or `{"error":"…"}` with what is wrong with the query.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufWriter, Write as _};
use std::process::ExitCode;

use dbcord::engine::document;
use dbcord::engine::query::aggregate::Rows;
use dbcord::engine::query::{Filter, Json, Pipeline, Select, Sort, Top};
use serde_json::{Map, Value};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dbcord-query: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        match answer(&line?) {
            Ok(documents) => writeln!(out, "{{\"ok\":[{}]}}", documents.join(","))?,
            Err(error) => writeln!(out, "{}", serde_json::json!({ "error": error }))?,
        }
    }
    out.flush()
}

fn answer(line: &str) -> Result<Vec<String>, String> {
    let case = document::parse("case", line).map_err(|error| error.to_string())?;
    if let Some(pipeline) = case.get("pipeline") {
        return aggregate(&case, pipeline).map_err(|error| error.to_string());
    }
    let question = Question::new(&case).map_err(|error| error.to_string())?;
    let Some(Value::Array(documents)) = case.get("docs") else {
        return Err("a case has a list of objects, `docs`".to_owned());
    };
    let rows: Vec<String> = documents.iter().map(Value::to_string).collect();
    Ok(question.answer(&rows))
}

fn aggregate(case: &Map<String, Value>, pipeline: &Value) -> dbcord::error::Result<Vec<String>> {
    let pk = case.get("pk").and_then(Value::as_str).unwrap_or("_id");
    let pipeline = Pipeline::parse("pipeline", &pipeline.to_string(), pk)?;
    let tables = case.get("tables").unwrap_or(&Value::Null);
    let named = pipeline
        .tables()
        .map(|name| (name, texts(tables.get(name))));
    let named: BTreeMap<&str, Vec<String>> = named.collect();
    let rows = texts(case.get("docs"));
    let table = |name: &str| Ok(rows_of(named.get(name).map_or(&[], Vec::as_slice)));
    Ok(pipeline.run(rows_of(&rows), &table, usize::MAX)?.rows)
}

fn texts(list: Option<&Value>) -> Vec<String> {
    let rows = list.and_then(Value::as_array).into_iter().flatten();
    rows.map(Value::to_string).collect()
}

fn rows_of(texts: &[String]) -> Rows<'_> {
    Box::new(texts.iter().map(String::as_str))
}

struct Question {
    filter: Filter,
    sort: Sort,
    select: Option<Select>,
    skip: usize,
    limit: usize,
}

impl Question {
    fn new(case: &Map<String, Value>) -> dbcord::error::Result<Question> {
        let pk = case.get("pk").and_then(Value::as_str).unwrap_or("_id");
        // Texts and objects are both understood; anything else is refused where it is parsed.
        let text = |name: &str| match case.get(name) {
            None => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        };
        let number = |name: &str, otherwise| {
            let given = case.get(name).and_then(Value::as_u64);
            given.map_or(otherwise, |n| usize::try_from(n).unwrap_or(usize::MAX))
        };
        let sort = text("sort").map(|sort| Sort::parse("sort", &sort));
        let select = text("select").map(|select| Select::parse("select", &select, pk));
        Ok(Question {
            filter: Filter::parse("where", &text("where").unwrap_or_else(|| "{}".to_owned()))?,
            sort: sort.transpose()?.unwrap_or_default(),
            select: select.transpose()?,
            skip: number("skip", 0),
            limit: number("limit", usize::MAX),
        })
    }

    fn answer(&self, rows: &[String]) -> Vec<String> {
        let mut top = Top::new(self.limit.saturating_add(self.skip));
        let mut key = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let document = Json::new(row);
            if self.filter.matches(document) {
                self.sort.key(document, &format!("{at:010}"), &mut key);
                top.offer(&key, document);
            }
        }
        let found = top.into_sorted().into_iter().skip(self.skip);
        found.map(|(_, document)| self.show(document)).collect()
    }

    fn show(&self, document: Json<'_>) -> String {
        let Some(select) = &self.select else {
            return document.text().to_owned();
        };
        let mut text = String::new();
        select.apply(document, &mut text);
        text
    }
}
