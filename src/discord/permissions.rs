//! Discord's permission bits that dbcord deals with.
//! <https://docs.discord.com/developers/topics/permissions>

use super::model::{Channel, MEMBER_OVERWRITE, Member, ROLE_OVERWRITE, Role};

pub const ADMINISTRATOR: u64 = 1 << 3;
pub const MANAGE_CHANNELS: u64 = 1 << 4;
pub const MANAGE_GUILD: u64 = 1 << 5;
pub const VIEW_CHANNEL: u64 = 1 << 10;
pub const SEND_MESSAGES: u64 = 1 << 11;
pub const MANAGE_MESSAGES: u64 = 1 << 13;
pub const EMBED_LINKS: u64 = 1 << 14;
pub const ATTACH_FILES: u64 = 1 << 15;
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub const MANAGE_THREADS: u64 = 1 << 34;
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;

/// What the bot needs in the guild, with the names that Discord's settings show.
/// Embed Links is among them because Discord drops the embeds of those who lack it, and a commit
/// may stand in embeds; Manage Threads because not even its creator can delete a thread without, and
/// a row that is deleted for good has its history in one.
pub const NEEDED: [(u64, &str); 10] = [
    (VIEW_CHANNEL, "View Channels"),
    (SEND_MESSAGES, "Send Messages"),
    (READ_MESSAGE_HISTORY, "Read Message History"),
    (EMBED_LINKS, "Embed Links"),
    (ATTACH_FILES, "Attach Files"),
    (MANAGE_CHANNELS, "Manage Channels"),
    (MANAGE_MESSAGES, "Manage Messages"),
    (MANAGE_THREADS, "Manage Threads"),
    (CREATE_PUBLIC_THREADS, "Create Public Threads"),
    (SEND_MESSAGES_IN_THREADS, "Send Messages in Threads"),
];

/// What the bot allows itself in its own channels, so that it can never lock itself out.
pub const OWN: u64 = {
    let mut bits = 0;
    let mut rest: &[(u64, &str)] = &NEEDED;
    while let [(bit, _), others @ ..] = rest {
        bits |= *bit;
        rest = others;
    }
    bits
};

/// Whether `granted` covers `wanted`; Administrator covers everything.
pub fn covers(granted: u64, wanted: u64) -> bool {
    granted & ADMINISTRATOR != 0 || granted & wanted == wanted
}

/// The names of the needed permissions that `granted` lacks.
pub fn missing(granted: u64) -> Vec<&'static str> {
    let lacking = |(bit, name)| (!covers(granted, bit)).then_some(name);
    NEEDED.into_iter().filter_map(lacking).collect()
}

/// What a member may do in a channel: by their roles, then by the channel's overwrites for everyone,
/// for their roles together, and for themselves.
/// <https://docs.discord.com/developers/topics/permissions#permission-overwrites>
pub fn in_channel(
    guild: u64,
    user: u64,
    roles: &[Role],
    member: &Member,
    channel: &Channel,
) -> u64 {
    // The role of everyone has the guild's id.
    let has = |role: u64| role == guild || member.roles.contains(&role);
    let base = roles.iter().filter(|role| has(role.id));
    let base = base.fold(0, |bits, role| bits | role.permissions);
    if covers(base, ADMINISTRATOR) {
        return ADMINISTRATOR;
    }
    let apply = |bits: u64, kind: u8, is_meant: &dyn Fn(u64) -> bool| {
        let all = channel.permission_overwrites.iter();
        let meant = all.filter(|o| o.kind == kind && is_meant(o.id));
        let (allow, deny) = meant.fold((0, 0), |(allow, deny), o| (allow | o.allow, deny | o.deny));
        bits & !deny | allow
    };
    let bits = apply(base, ROLE_OVERWRITE, &|id| id == guild);
    let bits = apply(bits, ROLE_OVERWRITE, &|id| id != guild && has(id));
    apply(bits, MEMBER_OVERWRITE, &|id| id == user)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_most_particular_overwrite_decides() {
        let role = |id: u64, permissions: u64| Role { id, permissions };
        let roles = [
            role(1, VIEW_CHANNEL),
            role(2, SEND_MESSAGES),
            role(3, EMBED_LINKS),
        ];
        let member = Member { roles: vec![2] };
        let overwrite = |id: u64, kind: u8, allow: u64, deny: u64| json!({"id": id.to_string(), "type": kind, "allow": allow.to_string(), "deny": deny.to_string()});
        let granted = |overwrites: Vec<serde_json::Value>| {
            let channel = json!({"id": "9", "type": 0, "permission_overwrites": overwrites});
            let channel = serde_json::from_value(channel).unwrap();
            in_channel(1, 5, &roles, &member, &channel)
        };
        let both = VIEW_CHANNEL | SEND_MESSAGES;
        assert_eq!(granted(vec![]), both);
        assert_eq!(granted(vec![overwrite(1, 0, 0, both)]), 0);
        let everyone = || overwrite(1, 0, 0, VIEW_CHANNEL);
        assert_eq!(
            granted(vec![overwrite(2, 0, VIEW_CHANNEL, 0), everyone()]),
            both
        );
        assert_eq!(
            granted(vec![overwrite(3, 0, VIEW_CHANNEL, 0), everyone()]),
            SEND_MESSAGES
        );
        let me = overwrite(5, 1, EMBED_LINKS, SEND_MESSAGES);
        assert_eq!(granted(vec![me]), VIEW_CHANNEL | EMBED_LINKS);
        let admin = Member { roles: vec![4] };
        let channel = serde_json::from_value(json!({"id": "9", "type": 0})).unwrap();
        assert_eq!(
            in_channel(1, 5, &[role(4, ADMINISTRATOR)], &admin, &channel),
            ADMINISTRATOR
        );
    }
}
