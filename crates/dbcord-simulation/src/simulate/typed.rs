//! How what clients ask for is typed.

use discord_sim::{Id, InteractionSpec};
use serde_json::{Map, Value, json};

use super::operation::{Action, Change, Command, DATABASE, Mode, Patch, TABLES};

/// The longest text of an option.
const OPTION: usize = 6_000;
/// Options whose text can come as a file, too.
const FILES: &[(&str, &str)] = &[("value_json", "value_file"), ("ops_json", "ops_file")];
/// Revisions that a client wants to see: their lines all fit into a reply.
pub const PAST_AT_MOST: usize = 15;

impl Command {
    /// As this person types it.
    pub fn spec(&self, guild: Id, user: Id) -> InteractionSpec {
        let (name, mut options) = self.typed();
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
        let is_eighth = matches!(first, Some(Action::Put(_, doc)) if doc.v.is_multiple_of(8));
        text.encode_utf16().count() > OPTION || is_eighth
    }

    /// The slash command that it is.
    pub fn name(&self) -> &'static str {
        self.typed().0
    }

    fn typed(&self) -> (&'static str, Map<String, Value>) {
        let mut options = Map::new();
        let mut option = |name: &str, value: Value| options.insert(name.to_owned(), value);
        option("database", json!(DATABASE));
        let name = match self {
            Command::Get(cell) => {
                option("table", json!(cell.table()));
                option("key", json!(cell.key()));
                "dbc_get"
            }
            Command::Past(cell) => {
                option("table", json!(cell.table()));
                option("key", json!(cell.key()));
                option("limit", json!(PAST_AT_MOST));
                "dbc_history"
            }
            Command::Create { table, is_shown } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("pk", json!("id"));
                option("mirror", json!(is_shown));
                "dbc_table_create"
            }
            Command::Rename { table, to } => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("to", json!(TABLES[usize::from(*to)]));
                "dbc_table_rename"
            }
            Command::Drop(table) => {
                option("table", json!(TABLES[usize::from(*table)]));
                option("confirm", json!(TABLES[usize::from(*table)]));
                "dbc_table_drop"
            }
            Command::Transact(changes) => {
                let ops: Value = changes.iter().map(Change::op).collect();
                option("ops_json", json!(ops.to_string()));
                "dbc_transact"
            }
            Command::Change(change) => {
                option("table", json!(change.cell.table()));
                option("key", json!(change.cell.key()));
                if let Some(rev) = change.if_rev {
                    option("if_rev", json!(rev));
                }
                match change.action {
                    Action::Put(mode, doc) => {
                        option("value_json", json!(doc.json(change.cell.key()).to_string()));
                        if mode != Mode::Insert {
                            option("mode", json!(mode.name()));
                        }
                        "dbc_insert"
                    }
                    Action::Patch(patch) => {
                        option("patch_json", json!(patch.json().to_string()));
                        "dbc_update"
                    }
                    Action::Delete { is_hard } => {
                        if is_hard {
                            option("hard", json!(true));
                        }
                        "dbc_delete"
                    }
                    Action::Restore(rev) => {
                        option("rev", json!(rev));
                        "dbc_restore_row"
                    }
                }
            }
        };
        (name, options)
    }
}

impl Patch {
    fn json(self) -> Value {
        let mut patch = json!({ "v": self.v });
        if let Some(balance) = self.balance {
            patch["balance"] = json!(balance);
        }
        patch
    }
}

impl Change {
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
