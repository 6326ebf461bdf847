// The tour: the commands that scripts/dev sends, what each must answer, and what must then stand in the guild.
import { isDeepStrictEqual } from "node:util";
import { findCategory, findChannel } from "./guild.mjs";
import { replyText } from "./simulator.mjs";

const ROW = { id: "u_1", email: "a@example.com", role: "student" };
const UPDATED = { ...ROW, role: "teacher" };
const COUNTED = { ...UPDATED, visits: 1, tags: ["x"] };
const OPERATORS = { $inc: { visits: 1 }, $addToSet: { tags: "x" } };
const OPS = [
  { op: "insert", table: "users", key: "u_2", value: { role: "guest", visits: 3, note: "Comes on Mondays" } },
  { op: "insert", table: "users", key: "u_3", value: { role: "teacher", visits: 7 } },
  { op: "update", table: "users", key: "u_1", patch: { students: 1 }, if_rev: 3 },
];
const GET = "/dbc_get database:prod table:users key:u_1";
const HISTORY = "/dbc_history database:prod table:users key:u_1";
const INSPECT = "/dbc_inspect database:prod";
const ask = (command, rest) => `/dbc_${command} database:prod table:users ${rest}`;
const where = (filter) => `where_json:${JSON.stringify(filter)}`;
const SCHEMA = { required: ["id", "role"], properties: { id: "str", role: "str", visits: "int" } };
const RANGE = `${where({ visits: { $gte: 1, $lt: 7 } })} sort:-visits`;
const PIPELINE = [{ $group: { _id: "$role", visits: { $sum: "$visits" } } }, { $sort: { visits: -1 } }];

/**
 * A step is a command (`text`) or `restart: true`. `expect(view, seen)` returns what is wrong with the reply, or
 * nothing; `guild(state)` says whether what the command set off in the background has arrived, and `shows` what that
 * is; `note` explains what is seen then. `seen` is shared by all steps.
 */
export const tour = [
  {
    text: "/dbc_init database:prod",
    expect: (view) => mentions(view, "prod"),
    guild: (state) => findCategory(state, "dbcord-prod") && findChannel(state, "dbc-log") && findChannel(state, "dbc-catalog"),
    shows: "the category dbcord-prod with #dbc-log and #dbc-catalog",
  },
  {
    text: "/dbc_table_create database:prod table:users pk:id",
    expect: (view) => mentions(view, "users"),
    guild: (state) => findChannel(state, "table-users") && hasMessage(state, "dbc-catalog", (message) => JSON.stringify(message).includes("users")),
    shows: "#table-users and its card in #dbc-catalog",
  },
  {
    text: `/dbc_insert database:prod table:users key:u_1 value_json:${JSON.stringify(ROW)}`,
    expect: (view) => mentions(view, "u_1"),
    guild: (state) => hasRow(state, "**u_1** · rev 1"),
    shows: "the row's message in #table-users",
  },
  { text: GET, expect: showsRow(ROW) },
  {
    text: `/dbc_update database:prod table:users key:u_1 patch_json:${JSON.stringify({ role: "teacher" })} if_rev:1`,
    expect: (view) => mentions(view, "revision 2"),
    guild: (state) => hasRow(state, "**u_1** · rev 2") && hasRevision(state, 1),
    shows: "the row's message as it is now, and a thread on it with the revision before",
  },
  { text: GET, expect: showsRow(UPDATED) },
  {
    text: `/dbc_update database:prod table:users key:u_1 patch_json:${JSON.stringify(OPERATORS)}`,
    expect: (view) => mentions(view, "revision 3"),
    guild: (state) => hasRow(state, "**u_1** · rev 3") && hasRevision(state, 2),
    shows: "the row's message as it is now, and the revision before in its thread",
  },
  { text: GET, expect: showsRow(COUNTED) },
  {
    text: `/dbc_transact database:prod ops_json:${JSON.stringify(OPS)}`,
    expect: (view) => mentions(view, "Committed 3 operations"),
    guild: (state) => ["**u_1** · rev 4", "**u_2** · rev 1", "**u_3** · rev 1"].every((row) => hasRow(state, row)) && hasRevision(state, 3),
    shows: "all three rows' messages, and the revision before in u_1's thread",
  },
  { text: ask("schema_set", `schema_json:${JSON.stringify(SCHEMA)}`), expect: (view) => mentions(view, "version 1") },
  {
    text: ask("insert", `key:u_4 value_json:${JSON.stringify({ role: "teacher", visits: "often" })}`),
    expect: (view) => isRefused(view, "visits"),
    note: "The schema refuses it: nothing was written.",
  },
  {
    text: ask("index_create", "field:visits"),
    expect: (view) => mentions(view, "Index over `visits`"),
    guild: (state) => hasMessage(state, "idx-users-visits", (message) => message.content.startsWith("**u_3** · rev 1")),
    shows: "#idx-users-visits, with an entry for each row",
  },
  { text: ask("find", where({ role: "teacher" })), expect: showsKeys("u_1", "u_3") },
  { text: ask("find", `${RANGE} select:role,visits`), expect: (view) => showsKeys("u_2", "u_1")(view) ?? mentions(view, "by `INDEX visits`") },
  { text: ask("explain", RANGE), expect: (view) => mentions(view, "`INDEX visits`") ?? mentions(view, "2 values of the index, 2 rows") },
  { text: ask("find", where({ $text: "mondays" })), expect: showsKeys("u_2") },
  {
    text: ask("find", `${where({ $text: "mondays" })} via:scan`),
    expect: (view) => showsKeys("u_2")(view) ?? mentions(view, "eventual"),
    note: "The same from the rows' messages, which follow the commits: via:search asks Discord's own search for them, once it has an index.",
  },
  { text: ask("count", where({ role: "teacher" })), expect: (view) => mentions(view, "2 rows in `prod.users`") },
  { text: ask("distinct", "field:role"), expect: (view) => mentions(view, "2 different values") ?? mentions(view, '"guest"\n"teacher"') },
  { text: ask("aggregate", `pipeline_json:${JSON.stringify(PIPELINE)}`), expect: (view) => mentions(view, "teacher  8") },
  {
    text: "/dbc_delete database:prod table:users key:u_2",
    expect: (view) => mentions(view, "the deletion is revision 2"),
    guild: (state) => hasRow(state, "~~**u_2**~~ · rev 2"),
    shows: "the row's message, struck through",
  },
  {
    text: "/dbc_restore_row database:prod table:users key:u_1 rev:2",
    expect: (view) => mentions(view, "revision 5"),
    guild: (state) => hasRow(state, "**u_1** · rev 5") && [1, 2, 3, 4].every((rev) => hasRevision(state, rev)),
    shows: "the row's message as it is now, and all earlier revisions in its thread",
  },
  { text: HISTORY, expect: showsHistory },
  {
    text: INSPECT,
    expect: (view, seen) => {
      seen.epoch = epochIn(view);
      return mentions(view, "users") ?? (seen.epoch ? undefined : "the reply shows no epoch");
    },
    guild: (state) => findChannel(state, "dbc-log").messages.at(-1).content.includes("checkpoint of commit"),
    shows: "a checkpoint in #dbc-log",
    note: "Once everything is shown and nobody writes, a checkpoint follows: the rows in a file, so that a restart need not read the whole log.",
  },
  { restart: true },
  { text: GET, expect: showsRow(UPDATED) },
  { text: HISTORY, expect: showsHistory },
  {
    text: INSPECT,
    expect: (view, seen) => {
      const epoch = epochIn(view);
      if (!epoch) return "the reply shows no epoch";
      return epoch > seen.epoch ? undefined : `the epoch is ${epoch} and was ${seen.epoch} before the restart: the object was not opened anew`;
    },
  },
];

export const stepCount = tour.length;

/** What is wrong with a reply of any kind, or nothing. */
export function notAnswered(view) {
  if (view.state === "answered" && view.reply) return undefined;
  return `no answer came: ${view.failure ?? `the interaction is ${view.state}`}`;
}

function mentions(view, word) {
  const text = replyText(view);
  if (looksRefused(text)) return "the command was refused";
  return text.includes(word) ? undefined : `the reply does not mention ${word}`;
}

function isRefused(view, word) {
  const text = replyText(view);
  if (!looksRefused(text)) return "the command was not refused";
  return text.includes(word) ? undefined : `the refusal does not mention ${word}`;
}

function showsRow(expected) {
  return (view) => {
    const row = jsonIn(replyText(view));
    if (!row) return "the reply shows no row";
    return isDeepStrictEqual({ ...row }, expected) ? undefined : `the row is ${JSON.stringify(row)}, not ${JSON.stringify(expected)}`;
  };
}

/** Rows that are found, by their keys and in this order. */
function showsKeys(...expected) {
  return (view) => {
    const text = replyText(view);
    if (looksRefused(text)) return "the command was refused";
    const shown = text.match(/\bu_\d+\b/g) ?? [];
    return isDeepStrictEqual(shown, expected) ? undefined : `the rows are ${shown.join(", ") || "none"}, not ${expected.join(", ")}`;
  };
}

/** Who made each revision, newest first. */
function showsHistory(view) {
  const lines = replyText(view).split("\n").filter((line) => line.startsWith("**rev"));
  const shown = lines.map((line) => `${/rev (\d+)/.exec(line)[1]} ${/\/(dbc_\w+)/.exec(line)?.[1]}`);
  const expected = ["5 dbc_restore_row", "4 dbc_transact", "3 dbc_update", "2 dbc_update", "1 dbc_insert"];
  return isDeepStrictEqual(shown, expected) ? undefined : `the history is ${shown.join(", ")}, not ${expected.join(", ")}`;
}

/** The first JSON object that stands in the text, in a fenced block or not. */
export function jsonIn(text) {
  for (let start = text.indexOf("{"); start >= 0; start = text.indexOf("{", start + 1)) {
    for (let end = text.lastIndexOf("}"); end > start; end = text.lastIndexOf("}", end - 1)) {
      try {
        return JSON.parse(text.slice(start, end + 1));
      } catch {
        // a shorter or a later one, then
      }
    }
  }
  return undefined;
}

/** The epoch that /dbc_inspect shows, as a number; undefined when it shows none. */
export function epochIn(view) {
  const found = /epoch\W*?(\d[\d,_]*)/i.exec(replyText(view));
  return found ? Number(found[1].replace(/[,_]/g, "")) : undefined;
}

const looksRefused = (text) => /^(❌|⚠️|error\b)/iu.test(text.trim());
const hasMessage = (state, channel, wanted) => findChannel(state, channel)?.messages.some(wanted) ?? false;
const hasRow = (state, start) => hasMessage(state, "table-users", (message) => message.content.startsWith(start));
const hasRevision = (state, rev) => hasMessage(state, "u_1", (message) => message.content.startsWith(`**rev ${rev}**`));
