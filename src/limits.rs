//! The limits of Discord and Cloudflare that more than one module keeps to, with their source, and
//! our own. Limits that concern one module alone stand there.
//!
//! Lengths of text are counted in UTF-16 code units: Discord writes "characters", and of the
//! possible readings this one is never the larger allowance.

/// Message content. <https://docs.discord.com/developers/resources/message#create-message>
pub const MESSAGE_CONTENT: usize = 2_000;
/// One embed's description. <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>
pub const EMBED_DESCRIPTION: usize = 4_096;
/// All embed text of a message together. Same page.
pub const EMBED_TOTAL: usize = 6_000;
/// One uploaded file. <https://docs.discord.com/developers/reference#uploading-files>
pub const ATTACHMENT_BYTES: usize = 10 * 1024 * 1024;
/// Messages in one list request. <https://docs.discord.com/developers/resources/message#get-channel-messages>
pub const MESSAGE_PAGE: usize = 100;
/// Messages in one page of a search. <https://docs.discord.com/developers/resources/message#search-guild-messages>
pub const SEARCH_PAGE: usize = 25;
/// Characters that a search looks for. Same page.
pub const SEARCH_CONTENT: usize = 1_024;
/// Channels (categories counted) in a guild. <https://docs.discord.com/developers/resources/guild#create-guild-channel>
pub const GUILD_CHANNELS: usize = 500;
/// Channels in a category. Same page.
pub const CATEGORY_CHANNELS: usize = 50;
/// Choices in an autocomplete answer. <https://docs.discord.com/developers/interactions/receiving-and-responding>
pub const AUTOCOMPLETE_CHOICES: usize = 25;
/// Name and value of an autocomplete choice. Same page.
pub const AUTOCOMPLETE_CHOICE: usize = 100;

/// An interaction token is good for this long.
/// <https://docs.discord.com/developers/interactions/receiving-and-responding>
pub const INTERACTION_TOKEN_MS: u64 = 15 * 60 * 1_000;
/// The object defers a command that has not finished in this time: Discord gives up after 3 s.
pub const DEFER_AFTER_MS: u64 = 2_000;
/// The entry answers by itself when the object has not in this time, counted from arrival.
pub const ENTRY_ANSWER_MS: u64 = 2_500;
/// A signature whose timestamp is further off than this is refused (our own rule: it bounds replays).
pub const TIMESTAMP_TOLERANCE_MS: u64 = 5 * 60 * 1_000;
/// The largest request body read from the network (our own rule: 25 options of 6,000 characters
/// with every character escaped stay below it).
pub const REQUEST_BODY_BYTES: usize = 1024 * 1024;

/// A request that has no answer by then counts as lost (our own rule).
pub const REQUEST_TIMEOUT_MS: u64 = 10_000;
/// The longest wait for a rate limit that is slept through; beyond it the alarm is used, or the
/// command is refused with the time to wait.
pub const LONGEST_SLEEP_MS: u64 = 5_000;
/// The most requests that an alarm sends to Discord, whatever it is in the middle of: half of the free
/// plan's 50 an invocation.
/// <https://developers.cloudflare.com/workers/platform/limits/#subrequests>
pub const BACKGROUND_REQUESTS: u32 = 25;

/// The most requests that a command sends to read rows in channels (our own rule): with those of the
/// background and those for opening the database they stay below the free plan's 50 an invocation.
pub const READING_REQUESTS: u32 = 20;
/// What the documents may be in all that a command takes from channels (our own rule: they are in memory
/// beside the tables that are loaded).
pub const READING_BYTES: usize = 16 * 1024 * 1024;
/// How often a command asks for a search that Discord has no index for yet, and the shortest and the
/// longest pause before it asks again (our own rule): an index is reported to take seconds.
pub const SEARCH_TRIES: u32 = 5;
pub const SEARCH_PAUSE_MS: u64 = 1_000;
/// What a table may take in memory to be loaded for a question (our own rule). An isolate has 128 MB, of
/// which the program, copies on the way and other tables need their part. 50,000 rows of 300 B take 42 MiB of
/// heap when they are loaded, and a checkpoint does not say how long rows are; [`ROW_MEMORY`] and
/// [`PACKED_MEMORY`] are what that is for a row and a packed byte, with rows that pack to a fourth.
/// <https://developers.cloudflare.com/workers/platform/limits/#memory>
pub const TABLE_MEMORY: u64 = 64 * 1024 * 1024;
pub const ROW_MEMORY: u64 = 550;
pub const PACKED_MEMORY: u64 = 4;

/// Database and table names (our own rule: `table-<name>` and `idx-<name>-<field>` must fit the 100
/// characters of a channel's name).
pub const NAME: usize = 32;
/// Characters of a channel's name. <https://docs.discord.com/developers/resources/channel#channel-object>
pub const CHANNEL_NAME: usize = 100;
/// Names of fields that a primary key or an index may have (our own rule; see [`NAME`]).
pub const FIELD_NAME: usize = 60;
/// A row's key (our own rule: it stands in the first line of the row's message and in choices).
pub const KEY: usize = 100;
/// Operations of one transaction (our own rule: they are validated in one stretch, and whatever else
/// the object has to do waits for that).
pub const TRANSACTION_OPERATIONS: usize = 5_000;
/// How deep a document may nest (our own rule: parsing must not exhaust the stack).
pub const DOCUMENT_DEPTH: usize = 64;
/// Different values of a field that are listed (our own rule).
pub const DISTINCT_VALUES: usize = 10_000;
/// Values in a document, lists and objects among them (our own rule: while it is worked on, a value
/// of two bytes of JSON takes some fifty in memory, one of an object of its own some three hundred).
pub const DOCUMENT_VALUES: usize = 100_000;
/// Values in the operations of one transaction, for the same reason.
pub const TRANSACTION_VALUES: usize = 200_000;
/// Indexes of one table (our own rule: each takes memory and a channel; MongoDB allows 64).
pub const TABLE_INDEXES: usize = 16;

/// How much later than its place in the order of commits a message of the log may get its id (our own
/// rule: Discord names no bound for "eventually").
/// <https://docs.discord.com/developers/reference#consistency>
pub const DISORDER_MS: u64 = 60_000;
/// How long who does not know what was written last waits before reading the log (our own rule).
pub const OWNERSHIP_WAIT_MS: u64 = 60_000;
/// How old the last look at the log may be when something is acknowledged or answered (our own
/// rule). A third of the wait: the rest is for reads that are out of date, by as much at each side;
/// see `docs/decisions/0005-takeover-by-lease.md`.
pub const LEASE_MS: u64 = OWNERSHIP_WAIT_MS / 3;
/// How far reads may be out of date (our own rule, and what the wait and the lease leave for it, once at
/// each side). What is older must be on a page for that page to count.
pub const STALENESS_MS: u64 = (OWNERSHIP_WAIT_MS - LEASE_MS) / 2;
/// A row as compact JSON, in a table or as a stage of a pipeline makes it (our own rule: with room for its
/// record in a file of Discord's limit).
pub const ROW_BYTES: usize = 8 * 1024 * 1024;
/// A file of a checkpoint (our own rule: below [`ATTACHMENT_BYTES`], and small enough that the copies
/// which packing and sending take are no great part of the memory).
pub const SEGMENT_BYTES: usize = 4 * 1024 * 1024;
/// The values of a row in one index (our own rule: they are kept for every row, and those of several fields stand
/// with each item of a list among them).
pub const INDEX_ROW_BYTES: usize = 64 * 1024;
/// What one commit writes, as compact JSON (our own rule: the state, the batch and the record are in
/// memory at once, and every later opening may have to replay it).
pub const COMMIT_BYTES: usize = 16 * 1024 * 1024;
/// What one commit has as packed text where files cannot be read back (our own rule: that is 23 messages,
/// which at five in five seconds take 20 of the seconds in which everybody else waits, and with the
/// record 24 of the 50 requests that an invocation has on the free plan).
/// <https://docs.discord.com/developers/topics/rate-limits>
pub const TEXT_COMMIT_BYTES: usize = 128 * 1024;
/// How often the log is read again when it does not show what is known to be in it, and how much
/// longer each time the pause before that is (our own rule). Discord's reads are eventually
/// consistent. <https://docs.discord.com/developers/reference#consistency>
pub const STALE_READS: u32 = 4;
pub const STALE_PAUSE_MS: u64 = 750;
