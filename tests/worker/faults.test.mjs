// Discord answers late, wrongly, or not at all: a commit happens once or not, and the reply says which.
import assert from "node:assert/strict";
import test from "node:test";
import { answerOf, findChannel, guildChanges, insertOf, isRefusal, startWithTable, startWorld, waitFor } from "./harness.mjs";

const ROW = { id: "u_1", role: "student" };
const LOST = ["lost_request", "lost_response"];

const commitsOf = (messages, key) => messages.filter((message) => message.content.includes(`users/${key}`)).length;

for (const fault of LOST) {
  test(`${fault} of a log POST yields exactly one commit`, async (t) => {
    const world = await startWithTable(t);
    await world.simulator.inject({ fault, method: "POST", path: await world.logPath() });
    await world.insert(ROW);
    assert.equal(commitsOf(await world.log(), "u_1"), 1);
    assert.deepEqual(await world.row("u_1"), ROW);
    const state = await world.mirrored("u_1");
    assert.equal(findChannel(state, "table-users").messages.length, 1);
    await world.evict();
    assert.deepEqual(await world.row("u_1"), ROW);
    await world.refused(insertOf(ROW));
  });

  test(`${fault} of a row's message yields exactly one message`, async (t) => {
    const world = await startWithTable(t);
    const table = findChannel(await world.state(), "table-users");
    await world.simulator.inject({ fault, method: "POST", path: `^/channels/${table.id}/messages$` });
    await world.insert(ROW);
    const state = await world.mirrored("u_1");
    assert.equal(findChannel(state, "table-users").messages.length, 1);
  });

  test(`${fault} while channels are made leaves no channel twice`, async (t) => {
    const world = await startWithTable(t);
    const { guild_id: guild } = world.guild;
    await world.simulator.inject({ fault, method: "POST", path: `^/guilds/${guild}/channels$`, times: 2 });
    const done = await waitFor(async () => !isRefusal(await world.reply("/dbc_init database:test")));
    assert.ok(done, "init never succeeded");
    const names = (await world.state()).channels.map((channel) => `${channel.parent_id} ${channel.name}`);
    assert.deepEqual(names.filter((name, index) => names.indexOf(name) !== index), []);
    assert.equal(names.filter((name) => name.endsWith("dbcord-test")).length, 1);
  });
}

test("a log POST that is lost again and again is reported as it is", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "lost_response", method: "POST", path: await world.logPath(), times: 0 });
  const reply = await world.reply(insertOf(ROW));
  await world.simulator.clearFaults();
  const committed = commitsOf(await world.log(), "u_1");
  assert.ok(committed <= 1, `${committed} commits`);
  if (!isRefusal(reply)) assert.equal(committed, 1);
  else if (/Nothing was written/.test(reply)) assert.equal(committed, 0);
  else assert.match(reply, /not known/);
  await world.evict();
  const row = await world.reply("/dbc_get database:prod table:users key:u_1");
  assert.equal(isRefusal(row), committed === 0, row);
});

test("a few 500s are tried again", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "status", status: 500, method: "POST", path: await world.logPath(), times: 2 });
  await world.insert(ROW);
  assert.equal(commitsOf(await world.log(), "u_1"), 1);
});

test("Discord is down: the reply says so, nothing is half there, and afterwards all goes on", async (t) => {
  const world = await startWithTable(t);
  const before = await world.state();
  await world.simulator.inject({ fault: "status", status: 503, path: "^/(channels|guilds)/", times: 0 });
  const reply = await world.refused(insertOf(ROW));
  assert.match(reply, /Discord/);
  await world.simulator.clearFaults();
  assert.deepEqual(guildChanges(before, await world.state()), []);
  await world.refused("/dbc_get database:prod table:users key:u_1");
  await world.insert(ROW);
  assert.deepEqual(await world.row("u_1"), ROW);
});

test("Discord is down on a cold start: the reply says so, and the next one works", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.evict();
  await world.simulator.inject({ fault: "status", status: 503, path: "^/(channels|guilds)/", times: 0 });
  assert.match(await world.refused("/dbc_get database:prod table:users key:u_1"), /Discord/);
  await world.simulator.clearFaults();
  const row = await waitFor(async () => {
    const reply = await world.reply("/dbc_get database:prod table:users key:u_1");
    return !isRefusal(reply) && reply;
  });
  assert.match(row, /student/);
});

test("Discord refuses: the reply names the missing permission", async (t) => {
  const world = await startWithTable(t);
  const before = await world.state();
  const VIEW_AND_READ = String((1n << 10n) | (1n << 16n));
  await world.simulator.botPermissions(world.guild.guild_id, VIEW_AND_READ);
  const log = findChannel(before, "dbc-log");
  const overwrite = log.permission_overwrites.find((over) => over.id === world.simulator.bot_user_id);
  const taken = await world.simulator.act(world.guild.users.owner, "PUT", `/channels/${log.id}/permissions/${world.simulator.bot_user_id}`, { type: 1, allow: VIEW_AND_READ, deny: "2048" });
  assert.ok(taken.status < 300, JSON.stringify(taken));
  const reply = await world.refused(insertOf(ROW));
  assert.match(reply, /permission/i);
  assert.equal(commitsOf(await world.log(), "u_1"), 0);
  const restored = await world.simulator.act(world.guild.users.owner, "PUT", `/channels/${log.id}/permissions/${world.simulator.bot_user_id}`, { type: 1, allow: overwrite.allow, deny: overwrite.deny });
  assert.ok(restored.status < 300, JSON.stringify(restored));
  await world.insert(ROW);
});

test("the token is wrong: the reply says which variable to look at, not what is in it", async (t) => {
  const world = await startWithTable(t);
  world.configuration.DISCORD_BOT_TOKEN = "wrong-token-of-a-test";
  await world.restart();
  const reply = await world.refused(insertOf(ROW));
  assert.match(reply, /DISCORD_BOT_TOKEN|token/);
  assert.ok(!reply.includes("wrong-token-of-a-test"));
});

const egressBlock = { fault: "egress_block", path: "^/(channels|guilds)/", times: 0 };

test("an egress block without headers is told from a rate limit of ours, and reads go on from memory", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.mirrored("u_1");
  await world.simulator.inject(egressBlock);
  assert.deepEqual(await world.row("u_1"), ROW);
  assert.match(await world.refused(insertOf({ id: "u_2" })), /block/i);
  await world.simulator.clearFaults();
  assert.equal(commitsOf(await world.log(), "u_2"), 0);
});

test("reads go on from memory after a write that an egress block refused", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.mirrored("u_1");
  await world.simulator.inject(egressBlock);
  await world.refused(insertOf({ id: "u_2" }));
  assert.deepEqual(await world.row("u_1"), ROW);
});

test("an answer that is no JSON at all is survived", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "status", status: 502, method: "POST", path: await world.logPath(), body: "<html>Bad Gateway</html>" });
  await world.insert(ROW);
  assert.equal(commitsOf(await world.log(), "u_1"), 1);
});

/** Too large for a message, as a record: each character is written as six. */
const NEEDS_A_FILE = { id: "u_2", text: "\u200b".repeat(3000) };

test("attachments are refused: what would need a file stands in text, and is there whatever comes", async (t) => {
  const world = await startWorld(t);
  await world.simulator.inject({ fault: "attachments_refused", times: 0 });
  await world.ok("/dbc_init database:prod");
  await world.ok("/dbc_table_create database:prod table:users pk:id");
  await world.insert(ROW);
  await world.insert(NEEDS_A_FILE);
  assert.match(await world.ok("/dbc_inspect database:prod"), /attachments: refused/);
  await world.restart();
  assert.deepEqual(await world.row("u_1"), ROW);
  // Its reply is a file, which the fault keeps from us as well.
  await world.ok("/dbc_get database:prod table:users key:u_2");
  assert.deepEqual((await world.log()).filter((message) => message.attachments.length > 0), []);

  await world.simulator.clearFaults();
  await world.evict();
  assert.deepEqual(await world.row("u_2"), NEEDS_A_FILE);
});

test("attachments are refused after a record was put into one: nothing is lost, and nothing is guessed", async (t) => {
  const world = await startWithTable(t);
  await world.insert(NEEDS_A_FILE);
  await world.mirrored("u_2");
  await world.simulator.inject({ fault: "attachments_refused", times: 0 });
  // The object has it in memory. (Its reply is a file, which the fault keeps from us as well.)
  await world.ok("/dbc_get database:prod table:users key:u_2");
  await world.evict();
  await world.refused("/dbc_get database:prod table:users key:u_2");
  await world.refused(insertOf(ROW));
  assert.equal(commitsOf(await world.log(), "u_1"), 0);
  await world.simulator.clearFaults();
  // Whoever writes has the log read again; who only reads, a minute later.
  await world.insert(ROW);
  assert.deepEqual(await world.row("u_2"), NEEDS_A_FILE);
});

test("a 429 is honoured: nothing goes there before its time", async (t) => {
  const world = await startWithTable(t);
  const logPath = await world.logPath();
  const RETRY_AFTER_S = 1.5;
  await world.simulator.inject({
    fault: "status",
    status: 429,
    method: "POST",
    path: logPath,
    body: { message: "You are being rate limited.", retry_after: RETRY_AFTER_S, global: false },
  });
  const since = await world.trafficPosition();
  await world.insert(ROW);
  const posts = (await world.requests(since)).filter((one) => one.method === "POST" && new RegExp(logPath).test(one.path));
  // A checkpoint may follow.
  assert.deepEqual(posts.slice(0, 2).map((one) => one.status), [429, 200]);
  const waited = posts[1].at - posts[0].at;
  assert.ok(waited >= RETRY_AFTER_S * 1000, `sent again after ${waited} ms`);
});

test("a burst of writes waits for its bucket instead of running into it", async (t) => {
  const world = await startWithTable(t);
  const rows = Array.from({ length: 12 }, (_, index) => ({ id: `u_${index + 1}`, n: index }));
  const views = await Promise.all(rows.map((row) => world.run(insertOf(row))));
  for (const view of views) assert.ok(!isRefusal(answerOf(view)), answerOf(view));
  for (const row of rows) assert.deepEqual(await world.row(row.id), row);
  const limited = (await world.requests()).filter((one) => one.status === 429);
  assert.deepEqual(limited.map((one) => `${one.method} ${one.path}`), []);
  await waitFor(async () => findChannel(await world.state(), "table-users").messages.length === rows.length, { boundMs: 60_000 });
  const messages = findChannel(await world.state(), "table-users").messages;
  assert.equal(messages.length, rows.length);
  assert.deepEqual((await world.requests()).filter((one) => one.status === 429), []);
});
