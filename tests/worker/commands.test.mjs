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

  for (const [name, value] of Object.entries({
    "mentions": "@everyone <@1> <#2> <:a:3>",
    "back-ticks": "```js\ncode``` and `more`",
    "controls and zero width": "a\u0000b\u200bc\u001b[0m\u202e",
    "other scripts": "Привет 世界 😀 e\u0301",
    "markup": "**bold** ~~gone~~ ||spoiler|| > quote \\",
    "numbers": [0, -1, 1.5, 1e300, 9007199254740991, 1e-7],
    "nesting": { a: [{ b: [[], {}] }, null, true] },
    "space": "  around  \n\n and below \n",
  })) {
    await t.test(name, async () => {
      const row = { id: `k_${name.replaceAll(" ", "_").replaceAll("-", "_")}`, value };
      await world.insert(row);
      await world.mirrored(row.id);
      await world.evict();
      assert.deepEqual(await world.row(row.id), row);
    });
  }
});

test("a pk field that is left out is filled in with the key", async (t) => {
  const world = await startWithTable(t);
  await world.ok(`/dbc_insert database:prod table:users key:u_2 value_json:{"role":"guest"}`);
  assert.deepEqual(await world.row("u_2"), { id: "u_2", role: "guest" });
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
  for (const word of ["users", "epoch", "commit: #3", "backlog", "rows: 1", "KiB"]) assert.ok(inspect.includes(word), `no ${word} in: ${inspect}`);
  const help = await world.ok("/dbc_help");
  for (const command of ["dbc_init", "dbc_table_create", "dbc_insert", "dbc_get", "dbc_inspect"]) assert.ok(help.includes(command), `no ${command} in: ${help}`);
  assert.match(await world.ok("/dbc_help command:dbc_insert"), /value_json/);
});

test("bad input names the option and changes nothing", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const before = await world.mirrored("u_1");
  const insert = (key, json, place = "database:prod table:users") => `/dbc_insert ${place} key:${key} value_json:${json}`;
  const cases = [
    ["JSON that is cut off", insert("u_2", '{"id":"u_2"'), "value_json", /line 1, column/],
    ["JSON with a stray sign", insert("u_2", '{"id": "u_2", }'), "value_json", /column 1\d/],
    ["JSON in its second line", insert("u_2", '{"id": "u_2",\n  oops}'), "value_json", /line 2/],
    ["a list", insert("u_2", '["u_2"]'), "value_json", /object/],
    ["a repeated field", insert("u_2", '{"id":"u_2","a":1,"a":2}'), "value_json", /a/],
    ["a number that cannot be kept exactly", insert("u_2", '{"id":"u_2","n":123456789012345678901234567890}'), "value_json", /digits/],
    ["nesting that is too deep", insert("u_2", `{"id":"u_2","n":${"[".repeat(200)}${"]".repeat(200)}}`), "value_json", /./],
    ["a key that differs from the pk field", insert("u_2", '{"id":"u_3"}'), "key", /u_3/],
    ["a pk field that is no text", insert("5", '{"id":{"a":5}}'), "value_json", /id/],
    ["a duplicate key", insert("u_1", '{"id":"u_1","role":"teacher"}'), "key", /u_1/],
    ["a key that is too long", insert("k".repeat(101), JSON.stringify({ id: "k".repeat(101) })), "key", /100/],
    ["an unknown database", insert("u_2", '{"id":"u_2"}', "database:prid table:users"), "database", /prod/],
    ["an unknown table", insert("u_2", '{"id":"u_2"}', "database:prod table:user"), "table", /users/],
    ["a get of an unknown key", "/dbc_get database:prod table:users key:u_9", "key", /u_9/],
    ["a get from an unknown table", "/dbc_get database:prod table:userss key:u_1", "table", /users/],
    ["an inspect of an unknown database", "/dbc_inspect database:pro", "database", /prod/],
    ["a database name with a space", "/dbc_init database:My Data", "database", /my_data/],
    ["a database name that is too long", `/dbc_init database:${"a".repeat(33)}`, "database", /32/],
    ["a database name that starts with a digit", "/dbc_init database:1st", "database", /./],
    ["a table name with a dash", "/dbc_table_create database:prod table:a-b pk:id", "table", /a_b/],
    ["a table name with an emoji", "/dbc_table_create database:prod table:😀 pk:id", "table", /./],
    ["a table that exists", "/dbc_table_create database:prod table:users pk:id", "table", /users/],
    ["a pk that no field can be called", "/dbc_table_create database:prod table:posts pk:a b", "pk", /./],
    ["a table in a database that does not exist", "/dbc_table_create database:dev table:posts pk:id", "database", /prod/],
    ["help for a command that does not exist", "/dbc_help command:dbc_inser", "command", /dbc_insert/],
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

test("a value that Discord's option holds but a record cannot is refused or kept whole", async (t) => {
  const world = await startWithTable(t);
  for (const size of [1500, 3000, 5900]) {
    const row = { id: `big_${size}`, text: "x".repeat(size) };
    await world.insert(row);
    await world.evict();
    const view = await world.run(`/dbc_get database:prod table:users key:${row.id}`);
    assert.equal(view.state, "answered");
  }
  const log = findChannel(await world.state(), "dbc-log");
  assert.equal(log.messages.filter((message) => JSON.stringify(message).includes("big_")).length, 3);
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
  await t.test("nothing fits", async () => assert.deepEqual(await choices("/dbc_get database:prod table:zzz", "table"), []));
  await t.test("a database that does not exist", async () => assert.deepEqual(await choices("/dbc_get database:nope table:u", "table"), []));
  await t.test("commands", async () => assert.ok((await choices("/dbc_help command:ins", "command")).some((it) => it.includes("dbc_insert"))));
  await t.test("after the object was evicted", async () => {
    await world.evict();
    assert.deepEqual(await choices("/dbc_get database:pr", "database"), ["prod"]);
  });
});
