//! How what clients ask for is typed.

use discord_sim::{Id, InteractionSpec};
use serde_json::{Map, Value, json};

use super::doc::Field;
use super::operation::{Action, Change, Command, Edit, Mode, Patch, To};
use super::place::{DATABASE, TABLES};
use super::query::{Filter, Query};
use super::rules::INDEXES;

/// The longest text of an option.
const OPTION: usize = 6_000;
/// Options whose text can come as a file, too.
const FILES: &[(&str, &str)] = &[("value_json", "value_file"), ("ops_json", "ops_file")];
/// Revisions that a client wants to see: their lines all fit into a reply.
pub const PAST_AT_MOST: usize = 15;

impl Command {
    /// As this person types it.
    pub fn spec(&self, guild: Id, user: Id) -> InteractionSpec {
        let (name, mut options) = (self.name(), self.typed());
        let mut file = None;
        for (option, of_file) in FILES {
            let text = options.get(*option).and_then(Value::as_str);
            if text.is_some_and(|text| self.comes_as_file(text)) {
                file = options.remove(*option);
                options.insert((*of_file).to_owned(), json!("@f"));
            }
        }
        let spec = InteractionSpec::command(guild, name, options);
        let spec = InteractionSpec {
            user_id: Some(user),
            ..spec
        };
        match file {
            Some(Value::String(text)) => spec.file("f", text.into_bytes()),
            _ => spec,
        }
    }

    /// What is too long for an option, and some of the rest.
    fn comes_as_file(&self, text: &str) -> bool {
        let first = self.changes().first().map(|change| change.action);
        // None of the first ten documents, which are there before files may be refused.
        let is_one = matches!(first, Some(Action::Put(_, doc)) if doc.v.is_multiple_of(11));
        text.encode_utf16().count() > OPTION || is_one
    }

    /// The slash command that it is.
    pub fn name(&self) -> &'static str {
        match self {
            Command::Get(_) => "dbc_get",
            Command::Past(_) => "dbc_history",
            Command::Create { .. } => "dbc_table_create",
            Command::Rename { .. } => "dbc_table_rename",
            Command::Drop(_) => "dbc_table_drop",
            Command::Transact(_) => "dbc_transact",
            Command::Change(change) => change.action.name(),
            Command::Ask { query, .. } | Command::AskElsewhere { query, .. } => query.command(),
            Command::Many { edit: Some(_), .. } => "dbc_update_many",
            Command::Many { edit: None, .. } => "dbc_delete_many",
            Command::SetSchema { .. } => "dbc_schema_set",
            Command::ShowSchema(_) => "dbc_schema_show",
            Command::MakeIndex { .. } => "dbc_index_create",
            Command::DropIndex { .. } => "dbc_index_drop",
        }
    }

    fn typed(&self) -> Map<String, Value> {
        let mut options = Map::new();
        let mut option = |name: &str, value: Value| options.insert(name.to_owned(), value);
        option("database", json!(DATABASE));
        match self {
            Command::Get(cell) => {
                option("table", json!(cell.table()));
                option("key", json!(cell.key()));
            }
            Command::Past(cell) => {
                option("table", json!(cell.table()));
                option("key", json!(cell.key()));
                option("limit", json!(PAST_AT_MOST));
            }
            Command::Create { table, is_shown } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("pk", json!("id"));
                option("mirror", json!(is_shown));
            }
            Command::Rename { table, to } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("to", json!(TABLES[usize::from(*to)]));
            }
            Command::Drop(table) => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("confirm", json!(TABLES[usize::from(*table)]));
            }
            Command::Transact(changes) => {
                let ops: Value = changes.iter().map(Change::op).collect();
                option("ops_json", json!(ops.to_string()));
            }
            Command::Change(change) => options.extend(change.typed()),
            Command::Ask { table, query } => {
                option("table", json!(TABLES[usize::from(*table)]));
                options.extend(query.typed());
            }
            Command::AskElsewhere { table, via, query } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("via", json!(via.text()));
                options.extend(query.typed());
            }
            Command::Many {
                table,
                filter,
                edit,
                expect,
            } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("where_json", json!(filter.json().to_string()));
                if let Some(edit) = edit {
                    let patch = patch(Map::new(), Some(*edit), false);
                    option("patch_json", json!(patch.to_string()));
                }
                if let Some(expect) = expect {
                    option("expect", json!(expect));
                }
            }
            Command::SetSchema {
                table,
                schema,
                validate,
            } => {
                option("table", json!(TABLES[usize::from(*table)]));
                match schema {
                    Some(schema) => {
                        option("schema_json", json!(schema.json().to_string()));
                        option("validate", json!(validate.text()));
                    }
                    None => {
                        option("remove", json!(true));
                    }
                }
            }
            Command::ShowSchema(table) => {
                option("table", json!(TABLES[usize::from(*table)]));
            }
            Command::MakeIndex { table, index } => {
                let index = &INDEXES[usize::from(*index)];
                option("table", json!(TABLES[usize::from(*table)]));
                option("field", json!(index.fields()));
                option("unique", json!(index.is_unique));
                option("sparse", json!(index.is_sparse));
            }
            Command::DropIndex { table, index } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("field", json!(INDEXES[usize::from(*index)].fields()));
            }
        }
        options
    }
}

impl Query {
    fn typed(&self) -> Vec<(String, Value)> {
        let mut options = Vec::new();
        let mut option = |name: &str, value: Value| options.push((name.to_owned(), value));
        let filter = |filter: &Filter| json!(filter.json().to_string());
        match self {
            Query::Find(find) | Query::Explain(find) => {
                option("where_json", filter(&find.filter));
                let select = find
                    .select
                    .text()
                    .filter(|_| matches!(self, Query::Find(_)));
                for (name, text) in [("sort", find.sort_text()), ("select", select)] {
                    if let Some(text) = text {
                        option(name, json!(text));
                    }
                }
                option("skip", json!(find.skip));
                option("limit", json!(find.limit));
            }
            Query::Count(matching) => option("where_json", filter(matching)),
            Query::Distinct(name, matching) => {
                option("field", json!(name.text()));
                option("where_json", filter(matching));
            }
            Query::Aggregate(matching, stages) => {
                option("pipeline_json", json!(stages.json(matching).to_string()));
            }
        }
        options
    }
}

impl Patch {
    fn json(self) -> Value {
        let mut values = Map::from_iter([("v".to_owned(), json!(self.v))]);
        if let Some(balance) = self.balance {
            values.insert("balance".to_owned(), json!(balance));
        }
        patch(values, self.edit, self.v.is_multiple_of(2))
    }
}

/// A patch that sets these fields, and edits one more: a merge patch, where it can be one and need not be
/// operators.
fn patch(mut values: Map<String, Value>, edit: Option<Edit>, is_operators: bool) -> Value {
    let Some(edit) = edit else {
        return Value::Object(values);
    };
    let name = edit.name.text();
    // In a merge patch, null takes a field away.
    let needs_operators = matches!(edit.to, To::Inc(_) | To::Set(Field::Null));
    match edit.to {
        To::Set(field) => {
            values.insert(name.to_owned(), field.json().unwrap_or_default());
        }
        To::Unset if !is_operators => {
            values.insert(name.to_owned(), Value::Null);
        }
        To::Unset | To::Inc(_) => {}
    }
    if !(is_operators || needs_operators) {
        return Value::Object(values);
    }
    let mut operators = Map::new();
    if !values.is_empty() {
        operators.insert("$set".to_owned(), Value::Object(values));
    }
    match edit.to {
        To::Unset => operators.insert("$unset".to_owned(), json!({ name: "" })),
        To::Inc(by) => operators.insert("$inc".to_owned(), json!({ name: by })),
        To::Set(_) => None,
    };
    Value::Object(operators)
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::Put(..) => "dbc_insert",
            Action::Patch(_) => "dbc_update",
            Action::Delete { .. } => "dbc_delete",
            Action::Restore(_) => "dbc_restore_row",
        }
    }
}

impl Change {
    fn typed(&self) -> Vec<(String, Value)> {
        let key = self.cell.key();
        let mut options = vec![
            ("table".to_owned(), json!(self.cell.table())),
            ("key".to_owned(), json!(key)),
        ];
        let mut option = |name: &str, value: Value| options.push((name.to_owned(), value));
        if let Some(rev) = self.if_rev {
            option("if_rev", json!(rev));
        }
        match self.action {
            Action::Put(mode, doc) => {
                option("value_json", json!(doc.json(key).to_string()));
                if mode != Mode::Insert {
                    option("mode", json!(mode.name()));
                }
            }
            Action::Patch(patch) => option("patch_json", json!(patch.json().to_string())),
            Action::Delete { is_hard } => {
                if is_hard {
                    option("hard", json!(true));
                }
            }
            Action::Restore(rev) => option("rev", json!(rev)),
        }
        options
    }
    /// As an element of a transaction's list.
    fn op(&self) -> Value {
        let mut op = json!({"table": self.cell.table(), "key": self.cell.key()});
        match self.action {
            Action::Put(mode, doc) => {
                op["op"] = json!(mode.name());
                op["value"] = doc.json(self.cell.key());
            }
            Action::Patch(patch) => {
                op["op"] = json!("update");
                op["patch"] = patch.json();
            }
            Action::Delete { .. } => op["op"] = json!("delete"),
            Action::Restore(_) => unreachable!("no transaction restores a row"),
        }
        if let Some(rev) = self.if_rev {
            op["if_rev"] = json!(rev);
        }
        op
    }
}
