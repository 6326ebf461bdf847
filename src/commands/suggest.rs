//! Suggestions for options that name something. They must come within a second or so, so they are
//! made from what is in memory or in object storage.

use super::{Context, Typing};
use crate::host::Host;
use crate::interactions::Choice;
use crate::limits::AUTOCOMPLETE_CHOICES;

/// Databases, tables and keys of rows, as far as they are known without asking Discord.
pub(super) async fn names<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
    let database = typing.other("database").unwrap_or_default();
    let names = match typing.option.as_str() {
        "database" => context.engine.known_databases().await,
        "table" => context.engine.known_tables(database).await,
        "key" => return keys(&context, &typing, false),
        _ => Vec::new(),
    };
    matching(names, &typing.text)
}

/// The same for commands that have to do with deleted rows too.
pub(super) async fn names_and_deleted_keys<H: Host>(
    context: Context<H>,
    typing: Typing,
) -> Vec<Choice> {
    match typing.option.as_str() {
        "key" => keys(&context, &typing, true),
        _ => names(context, typing).await,
    }
}

/// The same with the names of a table's indexes under `field`.
pub(super) async fn names_and_indexes<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
    if typing.option != "field" {
        return names(context, typing).await;
    }
    let (database, table) = (typing.other("database"), typing.other("table"));
    let database = database.and_then(|name| context.engine.open_database(name));
    let (Some(database), Some(table)) = (database, table) else {
        return Vec::new();
    };
    matching(database.index_names(table), &typing.text)
}

fn keys<H: Host>(context: &Context<H>, typing: &Typing, with_deleted: bool) -> Vec<Choice> {
    let (database, table) = (typing.other("database"), typing.other("table"));
    let database = database.and_then(|name| context.engine.open_database(name));
    let (Some(database), Some(table)) = (database, table) else {
        return Vec::new();
    };
    let keys = database.keys_like(table, &typing.text, with_deleted, AUTOCOMPLETE_CHOICES);
    keys.into_iter().map(choice).collect()
}

/// The names that contain what was typed, those that begin with it first.
fn matching(mut names: Vec<String>, typed: &str) -> Vec<Choice> {
    let typed = typed.to_lowercase();
    names.retain(|name| name.contains(&typed));
    names.sort_by_key(|name| (!name.starts_with(&typed), name.clone()));
    names.into_iter().map(choice).collect()
}

fn choice(name: String) -> Choice {
    Choice {
        name: name.clone(),
        value: name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_with_the_typed_text_comes_first() {
        let names = ["b_users", "users", "posts"].map(String::from).to_vec();
        let found = matching(names, "USER");
        let found: Vec<_> = found.iter().map(|choice| choice.value.as_str()).collect();
        assert_eq!(found, ["users", "b_users"]);
    }
}
