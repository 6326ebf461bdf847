//! Before anything is made: is the token good, is the bot in the guild, may it do what it needs?

use std::rc::Rc;

use dbcord::discord::routes::{self, Route};
use dbcord::discord::{CallError, permissions};
use http::Method;
use serde_json::Value;

use super::session::{Session, id_of};
use crate::discord::{Access, PATIENT, route};
use crate::host::NativeHost;

/// Checks everything, and changes nothing.
///
/// # Errors
/// What is wrong, and where to mend it.
pub(super) async fn connect(
    host: Rc<NativeHost>,
    access: &Access,
    guild: u64,
) -> Result<Session, String> {
    let client = access.client(Rc::clone(&host));
    let ask = async |route: Route| {
        let answer = client.get::<Value>(&route, PATIENT).await;
        answer.map_err(|error| explain(&error, access, guild))
    };
    let user = ask(routes::current_user()).await?;
    let me = id_of(&user);
    let path = format!("/guilds/{guild}");
    let about = ask(route(Method::GET, "/guilds/{}", guild, path)).await?;
    let path = format!("/guilds/{guild}/members/{me}");
    let member = ask(route(Method::GET, "/guilds/{}/members/{}", guild, path)).await?;
    let missing = permissions::missing(granted(&about, &member));
    if !missing.is_empty() {
        return Err(format!(
            "the bot lacks permissions in guild {guild}: {}. Give them to its role in Server Settings > Roles. Nothing was changed.",
            missing.join(", ")
        ));
    }
    let channels = ask(routes::guild_channels(guild)).await?;
    let before = channels.as_array().into_iter().flatten().map(id_of);
    say!(
        "Guild {guild} ({}), as {} ({me}), at {}\n",
        about["name"].as_str().unwrap_or("no name"),
        user["username"].as_str().unwrap_or("no name"),
        access.api_base,
    );
    Ok(Session::new(
        host,
        client.clone(),
        (guild, me),
        before.collect(),
    ))
}

/// The permissions that the bot's roles add up to. Channels' overwrites play no part: the
/// channels of this run are new.
fn granted(guild: &Value, member: &Value) -> u64 {
    let owner = guild["owner_id"].as_str();
    if owner.is_some() && owner == member["user"]["id"].as_str() {
        return permissions::ADMINISTRATOR;
    }
    let roles = member["roles"].as_array();
    // The role that everyone has bears the guild's id.
    let has = |role: &&Value| {
        role["id"] == guild["id"] || roles.is_some_and(|roles| roles.contains(&role["id"]))
    };
    let bits = |role: &Value| role["permissions"].as_str()?.parse::<u64>().ok();
    let all = guild["roles"].as_array().into_iter().flatten();
    all.filter(has)
        .filter_map(bits)
        .fold(0, |sum, bits| sum | bits)
}

fn explain(error: &CallError, access: &Access, guild: u64) -> String {
    let advice = match error {
        CallError::Refused {
            status: 403 | 404, ..
        } => format!(
            "The bot is not in guild {guild}, or there is no such guild: check the id, and invite the bot."
        ),
        _ => access.advice(error),
    };
    format!("{error} {advice} Nothing was changed.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn permissions_add_up_over_roles() {
        let guild = json!({"id": "1", "owner_id": "9", "roles": [
            {"id": "1", "permissions": "1024"},
            {"id": "2", "permissions": "2048"},
            {"id": "3", "permissions": "8"},
        ]});
        let member = |user: &str, roles: Value| json!({"user": {"id": user}, "roles": roles});
        assert_eq!(granted(&guild, &member("5", json!([]))), 1_024);
        assert_eq!(granted(&guild, &member("5", json!(["2"]))), 3_072);
        assert_eq!(
            granted(&guild, &member("9", json!([]))),
            permissions::ADMINISTRATOR
        );
    }
}
