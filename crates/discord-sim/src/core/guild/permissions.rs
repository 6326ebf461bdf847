//! Permission bits and who has which where.
//!
//! Bits, the order in which overwrites apply, and what the lack of one permission takes away implicitly:
//! docs `topics/permissions`.

pub const CREATE_INSTANT_INVITE: u64 = 1;
pub const KICK_MEMBERS: u64 = 1 << 1;
pub const BAN_MEMBERS: u64 = 1 << 2;
pub const ADMINISTRATOR: u64 = 1 << 3;
pub const MANAGE_CHANNELS: u64 = 1 << 4;
pub const MANAGE_GUILD: u64 = 1 << 5;
pub const ADD_REACTIONS: u64 = 1 << 6;
pub const VIEW_CHANNEL: u64 = 1 << 10;
pub const SEND_MESSAGES: u64 = 1 << 11;
pub const SEND_TTS_MESSAGES: u64 = 1 << 12;
pub const MANAGE_MESSAGES: u64 = 1 << 13;
pub const EMBED_LINKS: u64 = 1 << 14;
pub const ATTACH_FILES: u64 = 1 << 15;
pub const READ_MESSAGE_HISTORY: u64 = 1 << 16;
pub const MENTION_EVERYONE: u64 = 1 << 17;
pub const USE_EXTERNAL_EMOJIS: u64 = 1 << 18;
pub const CHANGE_NICKNAME: u64 = 1 << 26;
pub const MANAGE_ROLES: u64 = 1 << 28;
pub const USE_APPLICATION_COMMANDS: u64 = 1 << 31;
pub const MANAGE_THREADS: u64 = 1 << 34;
pub const CREATE_PUBLIC_THREADS: u64 = 1 << 35;
pub const SEND_MESSAGES_IN_THREADS: u64 = 1 << 38;
pub const PIN_MESSAGES: u64 = 1 << 51;

/// Every bit that Discord documents (0 to 52, but for 47 and 48, which it does not use).
pub const ALL: u64 = ((1 << 53) - 1) & !(1 << 47 | 1 << 48);

/// What the bot gets where a guild does not say otherwise: no more than it needs for its ordinary work, so neither
/// MANAGE_ROLES nor ADMINISTRATOR.
pub const BOT_DEFAULT: u64 = VIEW_CHANNEL
    | SEND_MESSAGES
    | READ_MESSAGE_HISTORY
    | ATTACH_FILES
    | EMBED_LINKS
    | MANAGE_CHANNELS
    | MANAGE_MESSAGES
    | MANAGE_THREADS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// What people have from the role `Members`.
pub const MEMBERS_DEFAULT: u64 = CREATE_INSTANT_INVITE
    | ADD_REACTIONS
    | VIEW_CHANNEL
    | SEND_MESSAGES
    | EMBED_LINKS
    | ATTACH_FILES
    | READ_MESSAGE_HISTORY
    | USE_EXTERNAL_EMOJIS
    | CHANGE_NICKNAME
    | USE_APPLICATION_COMMANDS
    | CREATE_PUBLIC_THREADS
    | SEND_MESSAGES_IN_THREADS;

/// One role's or member's overwrite, as far as it matters to the computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjustment {
    pub allow: u64,
    pub deny: u64,
}

/// Permissions in the whole guild: those of `@everyone` and of every role, or everything for owner and administrator.
pub fn base(owner: bool, everyone: u64, roles: impl IntoIterator<Item = u64>) -> u64 {
    if owner {
        return ALL;
    }
    let bits = roles.into_iter().fold(everyone, |bits, role| bits | role);
    if bits & ADMINISTRATOR != 0 { ALL } else { bits }
}

/// Permissions in a channel: first `@everyone`'s overwrite, then those of all roles at once (an allow of one beats a
/// deny of another), then the member's own.
pub fn in_channel(
    base: u64,
    everyone: Option<Adjustment>,
    roles: impl IntoIterator<Item = Adjustment>,
    member: Option<Adjustment>,
) -> u64 {
    if base & ADMINISTRATOR != 0 {
        return ALL;
    }
    let mut bits = base;
    if let Some(everyone) = everyone {
        bits = bits & !everyone.deny | everyone.allow;
    }
    let (mut allow, mut deny) = (0, 0);
    for role in roles {
        allow |= role.allow;
        deny |= role.deny;
    }
    bits = bits & !deny | allow;
    if let Some(member) = member {
        bits = bits & !member.deny | member.allow;
    }
    bits
}

/// What is left when missing permissions take others with them: nothing in a channel that cannot be seen; no
/// mentions, speech, files or embeds where no messages can be sent.
pub fn implicit(bits: u64) -> u64 {
    if bits & VIEW_CHANNEL == 0 {
        return 0;
    }
    if bits & SEND_MESSAGES == 0 {
        return bits & !(MENTION_EVERYONE | SEND_TTS_MESSAGES | ATTACH_FILES | EMBED_LINKS);
    }
    bits
}
