//! Checks values against schemas as dbcord does, so that others can be compared with it.
//!
//! Reads a JSON object a line from standard input and writes one a line to standard output:
//!
//! - `{"schema": …, "doc": …}` becomes `{"valid": true, "errors": []}`, with a `path`, a `rule` and a
//!   `message` for each error;
//! - `{"schema": …, "row": {…}}` is the same for a table's schema, with the `row` as its defaults
//!   leave it, and the `refs`;
//! - a schema that cannot be used becomes `{"refused": "why"}`.

use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

use dbcord::engine::schema::{JsonSchema, Reference, Schema, Violation};
use serde_json::{Value, json};

fn main() -> ExitCode {
    match answer_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("dbcord-schema: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer_all() -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for line in io::stdin().lock().lines() {
        let line = line?;
        let question: Value = serde_json::from_str(&line)?;
        writeln!(out, "{}", answer(&question))?;
    }
    out.flush()
}

fn answer(question: &Value) -> Value {
    let schema = &question["schema"];
    let result = match &question["row"] {
        Value::Object(row) => match schema {
            Value::Object(schema) => Schema::new("schema", schema).map(|schema| {
                let mut row = row.clone();
                let filled = schema.fill_defaults(&mut row).map_err(|error| vec![error]);
                let mut answer = verdict(filled.and_then(|()| schema.validate(&row)));
                answer["row"] = Value::Object(row);
                answer["refs"] = schema.refs().iter().map(reference).collect();
                answer
            }),
            _ => return json!({"refused": "the schema of a table is an object"}),
        },
        _ => {
            JsonSchema::new("schema", schema).map(|schema| verdict(schema.check(&question["doc"])))
        }
    };
    result.unwrap_or_else(|error| {
        let hint = error.hint.unwrap_or_default();
        json!({"refused": error.message, "hint": hint})
    })
}

fn verdict(outcome: Result<(), Vec<Violation>>) -> Value {
    let errors = outcome.err().unwrap_or_default();
    let errors: Vec<Value> = errors
        .iter()
        .map(|error| json!({"path": error.path, "rule": error.rule, "message": error.message}))
        .collect();
    json!({"valid": errors.is_empty(), "errors": errors})
}

fn reference(reference: &Reference) -> Value {
    json!({
        "field": reference.field,
        "table": reference.table,
        "on_delete": reference.on_delete.as_str(),
        "is_list": reference.is_list,
    })
}
