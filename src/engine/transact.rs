//! Transactions: changes of several rows, in several tables, that all go through or none of them.

use serde_json::{Map, Value};

use super::commit::{Committed, Need};
use super::database::Database;
use super::document;
use super::log::Origin;
use super::row::{Action, Change, Changed, Deletion, Patch, PutMode};
use super::state::Batch;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::text::{inline, near_or_known, truncate};

const FIELDS: [&str; 6] = ["op", "table", "key", "value", "patch", "if_rev"];
const OPS: [&str; 5] = ["insert", "upsert", "replace", "update", "delete"];

/// Operations that were read and make sense by themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Transaction {
    changes: Vec<Change>,
    /// The option that they came in.
    option: &'static str,
}

impl Transaction {
    /// Reads a JSON list of operations.
    ///
    /// # Errors
    /// Names the operation, counted from 1, and what is wrong with it.
    pub fn parse(option: &'static str, text: &str) -> Result<Transaction> {
        let ops = document::parse_list(option, text)?;
        if ops.is_empty() {
            return Err(Error::invalid(option, "there are no operations in the list.").hint(
                "One is, for example, `{\"op\":\"insert\",\"table\":\"users\",\"key\":\"u_1\",\"value\":{}}`.",
            ));
        }
        let changes = ops.into_iter().enumerate().map(|(index, op)| {
            parse_change(op, option).map_err(|why| {
                let error =
                    Error::invalid(option, format!("operation {}: {}", index + 1, why.text));
                match why.hint {
                    Some(hint) => error.hint(hint),
                    None => error,
                }
            })
        });
        Ok(Transaction {
            changes: changes.collect::<Result<_>>()?,
            option,
        })
    }

    /// How many operations.
    pub fn operations(&self) -> usize {
        self.changes.len()
    }

    fn stage(&self, batch: &mut Batch<'_>) -> Result<Changed> {
        let mut all = Changed::default();
        // How many ops there are after each operation.
        let mut ops: Vec<usize> = Vec::new();
        let mut deletion = Deletion::default();
        // Deletions that follow one another are one; here it begins.
        let mut first = 0;
        for (index, change) in self.changes.iter().enumerate() {
            if !matches!(change.action, Action::Delete { .. }) {
                let before = std::mem::take(&mut deletion);
                all.add(self.finish(before, first, batch, &mut ops)?);
                first = index + 1;
            }
            let staged = change.stage_bare(batch, &mut deletion);
            all.add(staged.map_err(|error| {
                let error = self.own_doing(index, change, batch, error);
                self.blame(index, batch.database(), error)
            })?);
            ops.push(batch.op_count());
        }
        all.add(self.finish(deletion, first, batch, &mut ops)?);
        match batch.clash() {
            Some(clash) => {
                let index = ops.partition_point(|&ops| ops <= clash.op);
                Err(self.blame(index, batch.database(), clash.error))
            }
            None => Ok(all),
        }
    }

    /// Sees through a deletion that begins with the operation `first`.
    fn finish(
        &self,
        deletion: Deletion,
        first: usize,
        batch: &mut Batch<'_>,
        ops: &mut [usize],
    ) -> Result<Changed> {
        let done = deletion.finish(batch);
        let done = done.map_err(|(at, error)| self.blame(first + at, batch.database(), error))?;
        // What follows from it is the last operation's.
        if let Some(last) = ops.last_mut() {
            *last = batch.op_count();
        }
        Ok(done)
    }

    /// A refusal by what an earlier operation made of the row: that is nowhere to be seen, since
    /// nothing of it comes to be.
    fn own_doing(&self, index: usize, change: &Change, batch: &Batch<'_>, error: Error) -> Error {
        let is_of_row = matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict)
            && matches!(error.option, Some("key" | "if_rev"));
        let mut before = self.changes.iter().enumerate().take(index).rev();
        let is_same = |other: &Change| (&other.table, &other.key) == (&change.table, &change.key);
        let earlier = before.find(|(_, other)| is_of_row && is_same(other));
        let Some((at, earlier)) = earlier else {
            return error;
        };
        let did = match name(&earlier.action) {
            "upsert" => "stores",
            "insert" => "inserts",
            "replace" => "replaces",
            "update" => "updates",
            _ => "deletes",
        };
        let did = format!("operation {} of this transaction {did} it", at + 1);
        let table = batch.table(&change.table).ok();
        let row = table.and_then(|table| batch.row(&table, &change.key));
        let told = |text: String| Error::new(error.kind, text);
        match (error.option, change.if_rev, row) {
            (Some("if_rev"), Some(wanted), Some(row)) => told(format!(
                "{did}, to revision {}, and `if_rev` is {wanted}.",
                row.rev
            ))
            .hint("Each operation sees what the ones before it did: leave `if_rev` out here."),
            _ if error.kind == ErrorKind::NotFound => {
                told(format!("{did}, so there is no such row then."))
            }
            _ => told(format!("{did}, so the key is taken then.")),
        }
    }

    /// An error of one operation, told as one of the whole.
    fn blame(&self, index: usize, database: &str, error: Error) -> Error {
        // A wrong database is no fault of the operation's.
        let own = error.option != Some("database");
        let Some(change) = self.changes.get(index).filter(|_| own) else {
            return error;
        };
        let place = if change.is_bare(&error) {
            format!(" in database `{database}`")
        } else {
            String::new()
        };
        Error {
            message: format!(
                "operation {} of {}{place} ({} of `{}` in table `{}`): {}",
                index + 1,
                self.changes.len(),
                name(&change.action),
                inline(&change.key),
                inline(&change.table),
                error.message
            ),
            option: Some(self.option),
            ..error
        }
    }
}

impl<H: Host> Database<H> {
    /// Carries out all operations in one commit, or none.
    ///
    /// # Errors
    /// The first operation that is refused, each validated after the ones before it; or a commit
    /// that failed.
    pub async fn transact(
        &self,
        origin: &Origin,
        transaction: Transaction,
    ) -> Result<Committed<Changed>> {
        let mut needs: Vec<Need> = Vec::new();
        for need in transaction.changes.iter().map(Change::need) {
            if !needs.contains(&need) {
                needs.push(need);
            }
        }
        let build = move |batch: &mut Batch<'_>| transaction.stage(batch);
        self.write_to(origin, needs, build).await
    }
}

/// Why an operation makes no sense.
struct Nonsense {
    text: String,
    hint: Option<String>,
}

impl From<Error> for Nonsense {
    fn from(error: Error) -> Self {
        Nonsense {
            text: error.message,
            hint: error.hint,
        }
    }
}

fn nonsense<T>(text: impl Into<String>) -> Result<T, Nonsense> {
    Err(Nonsense {
        text: text.into(),
        hint: None,
    })
}

fn parse_change(op: Value, option: &'static str) -> Result<Change, Nonsense> {
    let mut fields = match op {
        Value::Object(fields) => fields,
        other => {
            let kind = document::kind(&other);
            return nonsense(format!("an operation is an object, and this is {kind}."));
        }
    };
    if let Some(unknown) = fields.keys().find(|name| !FIELDS.contains(&name.as_str())) {
        return Err(Nonsense {
            text: format!("there is no field `{}` in an operation.", inline(unknown)),
            hint: match unknown.as_str() {
                "hard" => {
                    Some("For good, a row is deleted by `/dbc_delete` with `hard:true`.".to_owned())
                }
                "database" => Some(
                    "A transaction is within one database, the command's: leave the field out."
                        .to_owned(),
                ),
                _ => near_or_known(unknown, &FIELDS),
            },
        });
    }
    let op = string(&mut fields, "op")?;
    if !OPS.contains(&op.as_str()) {
        return Err(Nonsense {
            text: format!("there is no operation `{}`.", inline(&truncate(&op, 40))),
            hint: near_or_known(&op, &OPS),
        });
    }
    let (table, key) = (string(&mut fields, "table")?, string(&mut fields, "key")?);
    let if_rev = revision(&mut fields)?;
    let mode = match op.as_str() {
        "insert" => Some(PutMode::Insert),
        "upsert" => Some(PutMode::Upsert),
        "replace" => Some(PutMode::Replace),
        _ => None,
    };
    if matches!(mode, Some(PutMode::Insert | PutMode::Upsert)) && if_rev.is_some() {
        return Err(Nonsense {
            text: format!("`if_rev` does not go with `{op}`, which may make a new row."),
            hint: Some("Use `replace` for a row that must be there.".to_owned()),
        });
    }
    let action = match mode {
        Some(mode) => Action::Put {
            mode,
            fields: object(&mut fields, "value", &op)?,
            option,
        },
        None if op == "update" => {
            let patch = object(&mut fields, "patch", &op)?;
            if patch.is_empty() {
                return nonsense("there is nothing in `patch` to change.".to_owned());
            }
            Action::Update {
                patch: Patch::parse(option, patch)?,
                option,
            }
        }
        None => Action::Delete { hard: false },
    };
    // What is left belongs to another kind of operation.
    match fields.keys().next() {
        Some(left) => nonsense(format!("`{op}` takes no `{left}`.")),
        None => Ok(Change {
            table,
            key,
            if_rev,
            action,
        }),
    }
}

fn string(fields: &mut Map<String, Value>, name: &str) -> Result<String, Nonsense> {
    match fields.shift_remove(name) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => nonsense(format!(
            "`{name}` is a string, and this is {}.",
            document::kind(&other)
        )),
        None => nonsense(format!("`{name}` is missing.")),
    }
}

fn object(
    fields: &mut Map<String, Value>,
    name: &str,
    op: &str,
) -> Result<Map<String, Value>, Nonsense> {
    match fields.shift_remove(name) {
        Some(Value::Object(object)) => Ok(object),
        Some(other) => nonsense(format!(
            "`{name}` is an object, and this is {}.",
            document::kind(&other)
        )),
        None => nonsense(format!("`{op}` needs `{name}`.")),
    }
}

fn revision(fields: &mut Map<String, Value>) -> Result<Option<u64>, Nonsense> {
    match fields.shift_remove("if_rev") {
        None => Ok(None),
        Some(value) => match value.as_u64().filter(|&rev| rev > 0) {
            Some(rev) => Ok(Some(rev)),
            None => nonsense("`if_rev` is a revision: a whole number from 1."),
        },
    }
}

fn name(action: &Action) -> &'static str {
    match action {
        Action::Put { mode, .. } => match mode {
            PutMode::Insert => "insert",
            PutMode::Upsert => "upsert",
            PutMode::Replace => "replace",
        },
        Action::Update { .. } => "update",
        Action::Delete { .. } => "delete",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TRANSACTION_OPERATIONS;
    use serde_json::json;

    #[track_caller]
    fn refused(ops: &Value, words: &[&str]) {
        let error = Transaction::parse("ops_json", &ops.to_string()).unwrap_err();
        assert_eq!(error.option, Some("ops_json"));
        let told = error.to_string();
        for word in words {
            assert!(told.contains(word), "{word:?} is not in: {told}");
        }
    }

    #[test]
    fn operations_are_read_strictly() {
        let fine = json!({"op":"delete","table":"t","key":"a"});
        let with = |op: Value| json!([fine, op]);
        refused(&json!([]), &["no operations"]);
        refused(&json!({}), &["a JSON list", "an object"]);
        refused(&with(json!(1)), &["operation 2", "a number"]);
        refused(
            &with(json!({"op":"insert","table":"t","key":"a","vlaue":{}})),
            &["operation 2", "no field `vlaue`", "Did you mean `value`?"],
        );
        refused(
            &with(json!({"op":"inset","table":"t","key":"a","value":{}})),
            &["operation 2", "`inset`", "Did you mean `insert`?"],
        );
        refused(&with(json!({"table":"t","key":"a"})), &["`op` is missing"]);
        refused(
            &with(json!({"op":"delete","table":"t"})),
            &["`key` is missing"],
        );
        refused(
            &with(json!({"op":"delete","table":"t","key":7})),
            &["`key` is a string", "a number"],
        );
        refused(
            &with(json!({"op":"insert","table":"t","key":"a"})),
            &["`insert` needs `value`"],
        );
        refused(
            &with(json!({"op":"update","table":"t","key":"a","patch":[]})),
            &["`patch` is an object", "a list"],
        );
        refused(
            &with(json!({"op":"update","table":"t","key":"a","patch":{"n":1},"value":{}})),
            &["`update` takes no `value`"],
        );
        refused(
            &with(json!({"op":"insert","table":"t","key":"a","value":{},"if_rev":1})),
            &["`if_rev` does not go with `insert`", "`replace`"],
        );
        for rev in [json!(0), json!(-1), json!(1.5), json!("1"), json!(null)] {
            refused(
                &with(json!({"op":"delete","table":"t","key":"a","if_rev":rev})),
                &["operation 2", "a whole number from 1"],
            );
        }
        refused(
            &json!(vec![fine.clone(); TRANSACTION_OPERATIONS + 1]),
            &["more than 5000 operations", "Split it"],
        );
        let most = json!(vec![fine; TRANSACTION_OPERATIONS]).to_string();
        assert_eq!(
            Transaction::parse("ops_json", &most).unwrap().operations(),
            5_000
        );
    }

    #[test]
    fn every_kind_is_understood() {
        let ops = json!([
            {"op":"insert","table":"t","key":"a","value":{"x":1}},
            {"op":"upsert","table":"t","key":"a","value":{}},
            {"op":"replace","table":"t","key":"a","value":{},"if_rev":2},
            {"op":"update","table":"u","key":"b","patch":{"x":null},"if_rev":3},
            {"op":"delete","table":"u","key":"c","if_rev":18446744073709551615u64},
        ]);
        let read = Transaction::parse("ops_file", &ops.to_string()).unwrap();
        let names: Vec<_> = read.changes.iter().map(|c| name(&c.action)).collect();
        assert_eq!(names, OPS);
        let revisions: Vec<_> = read.changes.iter().map(|c| c.if_rev).collect();
        assert_eq!(revisions, [None, None, Some(2), Some(3), Some(u64::MAX)]);
    }
}
