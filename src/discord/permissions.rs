//! Discord's permission bits that dbcord deals with.
//! <https://docs.discord.com/developers/topics/permissions>

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
