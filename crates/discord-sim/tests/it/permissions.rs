use discord_sim::permissions::{
    self, ADMINISTRATOR, ALL, ATTACH_FILES, Adjustment, BOT_DEFAULT, EMBED_LINKS, MANAGE_CHANNELS,
    MANAGE_MESSAGES, MANAGE_ROLES, READ_MESSAGE_HISTORY, SEND_MESSAGES, VIEW_CHANNEL,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::{World, text};

#[test]
fn each_route_asks_for_its_permission() {
    let cases: &[(u64, (u16, u64))] =
        &[(VIEW_CHANNEL, (403, 50001)), (SEND_MESSAGES, (403, 50013))];
    for (lacking, refusal) in cases {
        let mut world = World::with_bot_permissions(BOT_DEFAULT & !lacking);
        let path = world.messages();
        assert_eq!(
            world.post(&path, json!({"content": "x"})).refusal(),
            *refusal
        );
    }
    let mut world = World::with_bot_permissions(BOT_DEFAULT & !ATTACH_FILES);
    let path = world.messages();
    assert_eq!(
        world
            .upload("POST", &path, &json!({}), &[("files[0]", "a", b"a")])
            .refusal(),
        (403, 50013)
    );
    let mut world = World::with_bot_permissions(BOT_DEFAULT & !MANAGE_CHANNELS);
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    assert_eq!(
        world.post(&path, json!({"name": "x"})).refusal(),
        (403, 50013)
    );
    let general = format!("/channels/{}", world.general());
    assert_eq!(
        world.patch(&general, json!({"name": "x"})).refusal(),
        (403, 50013)
    );
    assert_eq!(world.delete(&general).refusal(), (403, 50013));
}

#[test]
fn without_embed_links_embeds_vanish_without_a_word() {
    let mut world = World::with_bot_permissions(BOT_DEFAULT & !EMBED_LINKS);
    let path = world.messages();
    let embeds = json!([{"title": "t"}]);
    assert_eq!(
        world.post(&path, json!({"embeds": embeds})).refusal(),
        (403, 50013)
    );
    let sent = world
        .post(&path, json!({"content": "x", "embeds": embeds}))
        .ok();
    assert_eq!(
        (&sent["content"], &sent["embeds"]),
        (&json!("x"), &json!([]))
    );
    let message = format!("{path}/{}", text(&sent["id"]));
    assert_eq!(
        world.patch(&message, json!({"embeds": embeds})).ok()["embeds"],
        json!([])
    );
    let only = json!({"content": "", "embeds": embeds});
    assert_eq!(world.patch(&message, only).refusal(), (400, 50006));
}

#[test]
fn without_read_message_history_lists_are_empty() {
    let mut world = World::with_bot_permissions(BOT_DEFAULT & !READ_MESSAGE_HISTORY);
    let id = world.say("x");
    let path = world.messages();
    assert_eq!(world.get(&path).ok(), json!([]));
    assert_eq!(world.get(&format!("{path}/{id}")).refusal(), (403, 50013));
}

#[test]
fn others_messages_need_manage_messages() {
    let mut world = World::new();
    let path = world.messages();
    let id = text(
        &world
            .act("member", "POST", &path, &json!({"content": "mine"}))
            .ok()["id"],
    );
    let bare = BOT_DEFAULT & !MANAGE_MESSAGES;
    world
        .discord
        .set_bot_permissions(world.guild.guild_id, bare)
        .unwrap();
    assert_eq!(
        world.delete(&format!("{path}/{id}")).refusal(),
        (403, 50013)
    );
    let bulk = json!({"messages": [id, "2"]});
    assert_eq!(
        world.post(&format!("{path}/bulk-delete"), bulk).refusal(),
        (403, 50013)
    );
    world
        .discord
        .set_bot_permissions(world.guild.guild_id, BOT_DEFAULT)
        .unwrap();
    world.delete(&format!("{path}/{id}")).ok();
    let own = world.say("own");
    assert_eq!(
        world
            .act("member", "DELETE", &format!("{path}/{own}"), &Value::Null)
            .refusal(),
        (403, 50013)
    );
    world
        .act("owner", "DELETE", &format!("{path}/{own}"), &Value::Null)
        .ok();
}

#[test]
fn denying_everyone_the_view_locks_the_bot_out_unless_it_allows_itself() {
    let mut world = World::new();
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let hidden = json!({"id": world.guild.guild_id, "type": 0, "deny": VIEW_CHANNEL.to_string()});
    let locked = world.channel(json!({"name": "locked", "permission_overwrites": [hidden]}));
    assert_eq!(
        world.get(&format!("/channels/{locked}")).refusal(),
        (403, 50001)
    );
    assert_eq!(
        world
            .post(
                &format!("/channels/{locked}/messages"),
                json!({"content": "x"})
            )
            .refusal(),
        (403, 50001)
    );

    let own = json!({"id": world.discord.application().bot_user_id, "type": 1, "allow": VIEW_CHANNEL.to_string()});
    let open = world.channel(json!({"name": "open", "permission_overwrites": [hidden, own]}));
    world
        .post(
            &format!("/channels/{open}/messages"),
            json!({"content": "x"}),
        )
        .ok();
    let member = world.act("member", "GET", &format!("/channels/{open}"), &Value::Null);
    assert_eq!(member.refusal(), (403, 50001));

    let shown: Vec<_> = world
        .get(&path)
        .ok()
        .as_array()
        .unwrap()
        .iter()
        .map(|c| text(&c["id"]))
        .collect();
    assert!(
        shown.contains(&open) && !shown.contains(&locked),
        "lists leave out what cannot be seen"
    );
}

#[test]
fn overwrites_at_creation_are_limited_to_what_the_bot_holds() {
    let mut world = World::new();
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    let everyone = world.guild.guild_id;
    let overwrite = |bits: u64| json!({"name": "x", "permission_overwrites": [{"id": everyone, "type": 0, "allow": bits.to_string()}]});
    world.post(&path, overwrite(SEND_MESSAGES)).ok();
    assert_eq!(
        world
            .post(&path, overwrite(permissions::BAN_MEMBERS))
            .refusal(),
        (403, 50013)
    );
    world
        .discord
        .set_bot_permissions(everyone, BOT_DEFAULT | MANAGE_ROLES)
        .unwrap();
    assert_eq!(
        world.post(&path, overwrite(MANAGE_ROLES)).refusal(),
        (403, 50013),
        "only administrators grant that"
    );
    world
        .discord
        .set_bot_permissions(everyone, ADMINISTRATOR)
        .unwrap();
    world.post(&path, overwrite(MANAGE_ROLES)).ok();
}

#[test]
fn later_changes_of_overwrites_need_manage_roles() {
    let mut world = World::new();
    let everyone = world.guild.guild_id;
    let id = world.channel(json!({"name": "x"}));
    let path = format!("/channels/{id}/permissions/{everyone}");
    let body = json!({"type": 0, "deny": SEND_MESSAGES.to_string()});
    assert_eq!(world.put(&path, body.clone()).refusal(), (403, 50013));
    let whole = json!({"permission_overwrites": [{"id": everyone, "type": 0, "deny": "2048"}]});
    assert_eq!(
        world
            .patch(&format!("/channels/{id}"), whole.clone())
            .refusal(),
        (403, 50013)
    );
    world
        .discord
        .set_bot_permissions(everyone, BOT_DEFAULT | MANAGE_ROLES)
        .unwrap();
    assert_eq!(world.put(&path, body).status, 204);
    assert_eq!(
        world.get(&format!("/channels/{id}")).ok()["permission_overwrites"][0]["deny"],
        "2048"
    );
    assert_eq!(
        world
            .post(&format!("/channels/{id}/messages"), json!({"content": "x"}))
            .refusal(),
        (403, 50013)
    );
    assert_eq!(world.delete(&path).status, 204);
    assert_eq!(world.delete(&path).refusal(), (404, 10009));
    world.patch(&format!("/channels/{id}"), whole).ok();
}

#[test]
fn roles_can_be_made_and_given_below_ones_own() {
    let mut world = World::new();
    let guild = world.guild.guild_id;
    let roles = format!("/guilds/{guild}/roles");
    assert_eq!(
        world.post(&roles, json!({"name": "r"})).refusal(),
        (403, 50013)
    );
    let role = world
        .act(
            "owner",
            "POST",
            &roles,
            &json!({"name": "mod", "permissions": MANAGE_MESSAGES.to_string()}),
        )
        .ok();
    let member = world.guild.users["member"];
    let place = format!(
        "/guilds/{guild}/members/{member}/roles/{}",
        text(&role["id"])
    );
    let own = world.say("x");
    let message = format!("{}/{own}", world.messages());
    assert_eq!(
        world
            .act("member", "DELETE", &message, &Value::Null)
            .refusal(),
        (403, 50013)
    );
    assert_eq!(world.act("owner", "PUT", &place, &Value::Null).status, 204);
    assert_eq!(
        world.act("member", "DELETE", &message, &Value::Null).status,
        204
    );
    assert_eq!(
        world
            .act(
                "owner",
                "DELETE",
                &format!("{roles}/{}", text(&role["id"])),
                &Value::Null
            )
            .status,
        204
    );
    assert_eq!(
        world.act("owner", "PUT", &place, &Value::Null).refusal(),
        (404, 10011)
    );
}

#[test]
fn a_category_shows_through_its_channels() {
    let mut world = World::new();
    let hidden = json!([{"id": world.guild.guild_id, "type": 0, "deny": VIEW_CHANNEL.to_string()}]);
    let category = world.channel(json!({"name": "c", "type": 4}));
    world.channel(json!({"name": "x", "parent_id": category, "permission_overwrites": []}));
    let change = json!({"permission_overwrites": hidden});
    world
        .act("owner", "PATCH", &format!("/channels/{category}"), &change)
        .ok();
    world.get(&format!("/channels/{category}")).ok();
    let path = format!("/guilds/{}/channels", world.guild.guild_id);
    assert_eq!(world.get(&path).ok().as_array().unwrap().len(), 3);
    assert_eq!(
        world.delete(&format!("/channels/{category}")).refusal(),
        (403, 50013)
    );
}

#[test]
fn a_bot_that_was_thrown_out_finds_nothing() {
    let mut world = World::new();
    let (guild, bot) = (
        world.guild.guild_id,
        world.discord.application().bot_user_id,
    );
    let place = format!("/guilds/{guild}/members/{bot}");
    assert_eq!(
        world
            .act("member", "DELETE", &place, &Value::Null)
            .refusal(),
        (403, 50013)
    );
    assert_eq!(
        world.act("owner", "DELETE", &place, &Value::Null).status,
        204
    );
    assert_eq!(
        world.get(&format!("/guilds/{guild}")).refusal(),
        (404, 10004)
    );
    let path = world.messages();
    assert_eq!(
        world.post(&path, json!({"content": "x"})).refusal(),
        (403, 50001)
    );
    let path = world.commands();
    assert_eq!(world.get(&path).refusal(), (403, 50001));
    assert_eq!(world.get("/users/@me/guilds").ok(), json!([]));
}

fn adjustment() -> impl Strategy<Value = Adjustment> {
    (bits(), bits()).prop_map(|(allow, deny)| Adjustment { allow, deny })
}

fn bits() -> impl Strategy<Value = u64> {
    any::<u64>().prop_map(|bits| bits & ALL)
}

proptest! {
    /// Bit by bit, the most specific overwrite that says anything wins, and an allow wins within a level.
    #[test]
    fn the_most_specific_overwrite_wins(
        base in bits(),
        everyone in proptest::option::of(adjustment()),
        roles in proptest::collection::vec(adjustment(), 0..4),
        member in proptest::option::of(adjustment()),
    ) {
        let base = base & !ADMINISTRATOR;
        let result = permissions::in_channel(base, everyone, roles.clone(), member);
        for n in 0..64 {
            let bit = 1u64 << n;
            let level = |all: &[Adjustment]| {
                if all.iter().any(|a| a.allow & bit != 0) {
                    Some(true)
                } else if all.iter().any(|a| a.deny & bit != 0) {
                    Some(false)
                } else {
                    None
                }
            };
            let expected = level(member.as_slice())
                .or(level(&roles))
                .or(level(everyone.as_slice()))
                .unwrap_or(base & bit != 0);
            prop_assert_eq!(result & bit != 0, expected, "bit {}", n);
        }
    }

    #[test]
    fn administrators_and_owners_have_everything(
        everyone in bits(),
        roles in proptest::collection::vec(bits(), 0..4),
        overwrite in adjustment(),
    ) {
        let base = permissions::base(false, everyone | ADMINISTRATOR, roles.clone());
        prop_assert_eq!(base, ALL);
        prop_assert_eq!(permissions::in_channel(base, Some(overwrite), [overwrite], Some(overwrite)), ALL);
        prop_assert_eq!(permissions::base(true, everyone, roles), ALL);
    }

    /// Implicit losses only ever take away, and take all where the channel cannot be seen.
    #[test]
    fn implicit_losses_only_take_away(bits in bits()) {
        let left = permissions::implicit(bits);
        prop_assert_eq!(left & !bits, 0);
        if bits & VIEW_CHANNEL == 0 {
            prop_assert_eq!(left, 0);
        }
        if bits & SEND_MESSAGES == 0 {
            prop_assert_eq!(left & (ATTACH_FILES | EMBED_LINKS), 0);
        }
        prop_assert_eq!(permissions::implicit(left), left);
    }
}
