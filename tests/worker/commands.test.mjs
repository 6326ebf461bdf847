// The commands as a person sees them: what works, and that bad input names its option and changes nothing.
import assert from "node:assert/strict";
import test from "node:test";
import { findChannel, guildChanges, jsonIn, startWithTable, startWorld } from "./harness.mjs";

const ROW = { id: "u_1", email: "a@example.com", role: "student" };

test("a row goes in and comes out as it was", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  assert.deepEqual(await world.row("u_1"), ROW);
  await world.mirrored("u_1");

  const rows = Object.entries({
    "mentions": "@everyone <@1> <#2> <:a:3>",
    "back-ticks": "```js\ncode``` and `more`",
    "controls and zero width": "a\u0000b\u200bc\u001b[0m\u202e",
    "other scripts": "Привет 世界 😀 e\u0301",
    "markup": "**bold** ~~gone~~ ||spoiler|| > quote \\",
    "numbers": [0, -1, 1.5, 1e300, 9007199254740991, 1e-7],
    "nesting": { a: [{ b: [[], {}] }, null, true] },
    "space": "  around  \n\n and below \n",
  }).map(([name, value]) => [name, { id: `k_${name.replaceAll(/[ -]/g, "_")}`, value }]);
  for (const [, row] of rows) await world.insert(row);
  for (const [, row] of rows) await world.mirrored(row.id);
  // Once, not once a row: workerd rings an alarm whose object was taken away later and later.
  await world.evict();
  for (const [name, row] of rows) {
    await t.test(name, async () => assert.deepEqual(await world.row(row.id), row));
  }
});

test("a pk field that is left out is filled in with the key", async (t) => {
  const world = await startWithTable(t);
  await world.ok(`/dbc_insert database:prod table:users key:u_2 value_json:{"role":"guest"}`);
  assert.deepEqual(await world.row("u_2"), { id: "u_2", role: "guest" });
});

test("a row's life: updated, deleted, brought back, and all of it remembered", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const on = (command, rest) => `/dbc_${command} database:prod table:users key:u_1 ${rest}`;
  assert.match(await world.ok(on("update", `patch_json:{"role":"teacher","email":null} if_rev:1`)), /to revision 2/);
  assert.match(await world.refused(on("update", `patch_json:{"role":"dean"} if_rev:1`)), /`if_rev`.*at revision 2, not 1/);
  assert.deepEqual(await world.row("u_1"), { id: "u_1", role: "teacher" });
  await world.ok(on("delete", ""));
  assert.match(await world.refused(on("get", "")), /deleted as of revision 3/);
  await world.evict();
  assert.match(await world.ok(on("restore_row", "rev:1")), /as revision 4/);
  assert.deepEqual(await world.row("u_1"), ROW);
  const history = await world.ok(on("history", ""));
  const shown = history.split("\n").filter((line) => line.startsWith("**rev"));
  assert.deepEqual(shown.map((line) => /\/dbc_\w+/.exec(line)[0]), ["/dbc_restore_row", "/dbc_delete", "/dbc_update", "/dbc_insert"]);
});

test("a transaction goes through as a whole or not at all, and comes as a file", async (t) => {
  const world = await startWithTable(t);
  const send = (ops) => world.reply("/dbc_transact database:prod ops_file:@ops", { files: { ops: { filename: "ops.json", text: JSON.stringify(ops) } } });
  const rows = Array.from({ length: 500 }, (_, n) => ({ op: "insert", table: "users", key: `k${n}`, value: { n } }));
  assert.match(await send(rows), /^Committed 500 operations \(commit #\d+\)\.$/);
  assert.deepEqual(await world.row("k499"), { id: "k499", n: 499 });
  assert.match(await send([{ op: "insert", table: "users", key: "x", value: {} }, rows[7]]), /`ops_file`.*operation 2 of 2.*`k7`.*already.*Nothing was written/s);
  assert.match(await world.refused("/dbc_get database:prod table:users key:x"), /no row/);
});

test("a row of megabytes goes in and comes out by file", async (t) => {
  const world = await startWithTable(t);
  const row = { id: "big", text: "0123456789abcdef".repeat(3 * 65536) };
  const files = { row: { filename: "row.json", text: `\ufeff${JSON.stringify(row)}` } };
  await world.ok("/dbc_insert database:prod table:users key:big value_file:@row", { files });
  await world.evict();
  assert.deepEqual(await world.row("big"), row);
});

test("tables and databases are renamed, dropped and listed", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.ok("/dbc_table_rename database:prod table:users to:people");
  assert.equal(jsonIn(await world.ok("/dbc_get database:prod table:people key:u_1")).role, "student");
  assert.match(await world.ok("/dbc_databases"), /`prod` · tables: 1 · rows: 1 · log: <#\d+>/);
  assert.match(await world.refused("/dbc_table_drop database:prod table:people confirm:users"), /`confirm`/);
  assert.match(await world.ok("/dbc_table_drop database:prod table:people confirm:people"), /with 1 row /);
  await world.refused("/dbc_get database:prod table:people key:u_1");
  await world.simulator.inject({ fault: "status", status: 500, method: "DELETE", times: 0 });
  await world.ok("/dbc_database_drop database:prod confirm:prod");
  assert.match(await world.refused("/dbc_inspect database:prod"), /is being removed/);
});

test("init again is safe", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const before = await world.mirrored("u_1");
  await world.ok("/dbc_init database:prod");
  assert.deepEqual(guildChanges(before, await world.state()), []);
  assert.deepEqual(await world.row("u_1"), ROW);
});

test("init finishes what was cut off", async (t) => {
  const world = await startWorld(t);
  const { guild_id: guild } = world.guild;
  await world.simulator.inject({ fault: "status", status: 500, method: "POST", path: `^/guilds/${guild}/channels$`, skip: 2, times: 0 });
  await world.refused("/dbc_init database:prod");
  await world.simulator.clearFaults();
  await world.ok("/dbc_init database:prod");
  const names = (await world.state()).channels.map((channel) => channel.name);
  for (const name of ["dbcord-prod", "dbc-log", "dbc-catalog"]) assert.equal(names.filter((it) => it === name).length, 1, `${name} in ${names}`);
  await world.ok("/dbc_table_create database:prod table:users pk:id");
});

test("a second database has channels of its own", async (t) => {
  const world = await startWithTable(t);
  await world.ok("/dbc_init database:test");
  await world.ok("/dbc_table_create database:test table:users pk:id");
  await world.ok(`/dbc_insert database:test table:users key:u_1 value_json:{"id":"u_1","role":"other"}`);
  await world.insert(ROW);
  assert.deepEqual(await world.row("u_1"), ROW);
  assert.equal(jsonIn(await world.ok("/dbc_get database:test table:users key:u_1")).role, "other");
});

test("inspect and help tell what a person needs", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const inspect = await world.ok("/dbc_inspect database:prod");
  for (const word of ["users", "epoch", "commit: #", "backlog", "rows: 1", "KiB"]) assert.ok(inspect.includes(word), `no ${word} in: ${inspect}`);
  const help = await world.ok("/dbc_help");
  for (const command of ["dbc_init", "dbc_table_create", "dbc_insert", "dbc_get", "dbc_update", "dbc_transact", "dbc_inspect"]) assert.ok(help.includes(command), `no ${command} in: ${help}`);
  assert.match(await world.ok("/dbc_help command:dbc_insert"), /value_json/);
});

test("bad input names the option and changes nothing", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.mirrored("u_1");
  // The last thing that comes by itself.
  const before = await world.settled((state) => findChannel(state, "dbc-log").messages.at(-1).content.includes("checkpoint of commit"), "a checkpoint");
  const insert = (key, json, place = "database:prod table:users") => `/dbc_insert ${place} key:${key} value_json:${json}`;
  // One of each kind: what is refused before Discord is asked, by the schema, by the state. The native tests have the rest.
  const cases = [
    ["JSON that is cut off", insert("u_2", '{"id":"u_2"'), "value_json", /line 1, column/],
    ["a number that cannot be kept exactly", insert("u_2", '{"id":"u_2","n":123456789012345678901234567890}'), "value_json", /digits/],
    ["nesting that is too deep", insert("u_2", `{"id":"u_2","n":${"[".repeat(200)}${"]".repeat(200)}}`), "value_json", /./],
    ["a duplicate key", insert("u_1", '{"id":"u_1","role":"teacher"}'), "key", /u_1/],
    ["an unknown table", insert("u_2", '{"id":"u_2"}', "database:prod table:user"), "table", /users/],
    ["a get of an unknown key", "/dbc_get database:prod table:users key:u_9", "key", /u_9/],
    ["a table name with an emoji", "/dbc_table_create database:prod table:😀 pk:id", "table", /./],
    ["a table in a database that does not exist", "/dbc_table_create database:dev table:posts pk:id", "database", /prod/],
  ];
  for (const [name, text, option, expected] of cases) {
    await t.test(name, async () => {
      const reply = await world.refused(text);
      assert.ok(reply.includes(`\`${option}\``), `the option ${option} is not named in: ${reply}`);
      assert.match(reply, expected);
      if (/^\/dbc_(init|table_create|insert)/.test(text)) assert.match(reply, /Nothing was written/);
    });
  }
  await t.test("after all that the guild is as it was", async () => {
    assert.deepEqual(guildChanges(before, await world.state()), []);
    assert.deepEqual(await world.row("u_1"), ROW);
  });
});

test("a value as large as Discord's option takes comes back whole, wherever its record stands", async (t) => {
  const world = await startWithTable(t);
  // In a message's text, in an embed, and in a file: what Discord would change takes six characters in the record.
  const texts = { text: "x".repeat(1000), embed: "x".repeat(3000), file: "\u200b".repeat(5900) };
  for (const [key, text] of Object.entries(texts)) {
    await world.insert({ id: key, text });
    await world.evict();
    assert.deepEqual(await world.row(key), { id: key, text });
  }
  const records = (await world.log()).filter((message) => Object.keys(texts).some((key) => message.content.includes(`users/${key}`)));
  const places = records.map((record) => (record.attachments.length > 0 ? "file" : record.embeds.length > 0 ? "embed" : "text"));
  assert.deepEqual(places, ["text", "embed", "file"]);
});

test("autocomplete", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  async function choices(text, option) {
    const view = await world.begin(text, { autocomplete: option });
    assert.equal(view.delivery.body.type, 8);
    return view.choices.map((choice) => choice.value);
  }
  await t.test("databases", async () => assert.deepEqual(await choices("/dbc_get database:pr", "database"), ["prod"]));
  await t.test("tables of the database", async () => assert.deepEqual(await choices("/dbc_get database:prod table:us", "table"), ["users"]));
  await t.test("keys of rows", async () => assert.deepEqual(await choices("/dbc_get database:prod table:users key:u", "key"), ["u_1"]));
  await t.test("nothing fits", async () => assert.deepEqual(await choices("/dbc_get database:prod table:zzz", "table"), []));
  await t.test("a database that does not exist", async () => assert.deepEqual(await choices("/dbc_get database:nope table:u", "table"), []));
  await t.test("commands", async () => assert.ok((await choices("/dbc_help command:ins", "command")).some((it) => it.includes("dbc_insert"))));
  await t.test("after the object was evicted", async () => {
    await world.evict();
    assert.deepEqual(await choices("/dbc_get database:pr", "database"), ["prod"]);
  });
});
