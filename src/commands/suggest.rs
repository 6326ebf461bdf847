//! Suggestions for options that name something. They must come within a second or so, so they are
//! made from what is in memory or in object storage.

use super::{Context, Typing};
use crate::host::Host;
use crate::interactions::Choice;

/// Databases and tables, as far as they are known without asking Discord.
pub(super) async fn names<H: Host>(context: Context<H>, typing: Typing) -> Vec<Choice> {
    let names = match typing.option.as_str() {
        "database" => context.engine.known_databases().await,
        "table" => {
            let database = typing.other("database").unwrap_or_default();
            context.engine.known_tables(database).await
        }
        _ => Vec::new(),
    };
    matching(names, &typing.text)
}

/// The names that contain what was typed, those that begin with it first.
fn matching(mut names: Vec<String>, typed: &str) -> Vec<Choice> {
    let typed = typed.to_lowercase();
    names.retain(|name| name.contains(&typed));
    names.sort_by_key(|name| (!name.starts_with(&typed), name.clone()));
    let choice = |name: String| Choice {
        name: name.clone(),
        value: name,
    };
    names.into_iter().map(choice).collect()
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
