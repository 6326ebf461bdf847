// Discord gives 3 seconds for the first answer: what takes longer is deferred, and an answer always comes.
import assert from "node:assert/strict";
import test from "node:test";
import { answerOf, insertOf, isRefusal, startWithTable, startWorld } from "./harness.mjs";

const ROW = { id: "u_1", role: "student" };
const SLOW_MS = 4000;
const VERY_SLOW_MS = 8000;

/** Waits for the reply of a deferred interaction. */
const later = async (world, view) => answerOf(await world.simulator.interaction(view.id, 60_000));

function mustBeDeferred(view) {
  assert.equal(view.state, "deferred", `${view.state}: ${view.failure}`);
  assert.deepEqual(view.delivery.body, { type: 5, data: { flags: 64 } });
}

test("when the commit is slow, the reply comes by PATCH of @original", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "delay", ms: SLOW_MS, method: "POST", path: await world.logPath() });
  const view = await world.begin(insertOf(ROW));
  mustBeDeferred(view);
  assert.ok(!isRefusal(await later(world, view)));
  const patches = (await world.requests()).filter((one) => one.method === "PATCH" && one.path.endsWith("/messages/@original"));
  assert.equal(patches.length, 1);
  assert.equal(patches[0].status, 200);
  assert.equal(patches[0].authorization, "none");
  assert.deepEqual(await world.row("u_1"), ROW);
  assert.equal((await world.log()).filter((message) => message.content.includes("users/u_1")).length, 1);
});

test("other commands are answered while a commit is slow", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.simulator.inject({ fault: "delay", ms: SLOW_MS, method: "POST", path: await world.logPath() });
  const slow = await world.begin(insertOf({ id: "u_2" }));
  mustBeDeferred(slow);
  const read = await world.begin("/dbc_get database:prod table:users key:u_1");
  assert.equal(read.state, "answered");
  await later(world, slow);
});

test("an object that is stuck on reading the log still yields an answer", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  await world.mirrored("u_1");
  await world.evict();
  await world.simulator.inject({ fault: "delay", ms: VERY_SLOW_MS, method: "GET", path: await world.logPath() });
  const view = await world.begin("/dbc_get database:prod table:users key:u_1");
  mustBeDeferred(view);
  const reply = await later(world, view);
  assert.ok(!isRefusal(reply), reply);
});

test("autocomplete answers with nothing rather than late", async (t) => {
  const world = await startWithTable(t);
  await world.evict();
  await world.simulator.inject({ fault: "delay", ms: VERY_SLOW_MS, method: "GET", path: ".*", times: 0 });
  const view = await world.begin("/dbc_get database:prod table:us", { autocomplete: "table" });
  assert.equal(view.delivery.status, 200);
  assert.equal(view.delivery.body.type, 8);
});

test("the object dies while a command is deferred: the asker hears how it went, and it ran at most once", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "delay", ms: SLOW_MS, method: "POST", path: await world.logPath() });
  const view = await world.begin(insertOf(ROW));
  mustBeDeferred(view);
  await world.evict();
  const reply = await later(world, view);
  const committed = (await world.log()).filter((message) => message.content.includes("users/u_1")).length;
  assert.ok(committed <= 1, `${committed} commits`);
  if (committed === 1) assert.deepEqual(await world.row("u_1"), ROW);
  if (committed === 0) assert.match(reply, /Nothing was (written|committed)/);
});

test("the whole machine restarts while a command is deferred: the asker still hears", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "delay", ms: SLOW_MS, method: "POST", path: await world.logPath() });
  const view = await world.begin(insertOf(ROW));
  mustBeDeferred(view);
  await world.restart();
  await later(world, view);
  assert.ok((await world.log()).filter((message) => message.content.includes("users/u_1")).length <= 1);
});

test("a replay runs once", async (t) => {
  const world = await startWithTable(t);
  const view = await world.run(insertOf(ROW));
  answerOf(view);
  const puts = async () => (await world.log()).filter((message) => message.content.includes("/u_1 put")).length;
  await world.mirrored("u_1");

  async function replayed() {
    const { status, body } = await world.simulator.redeliver(view.id);
    assert.equal(status, 200);
    assert.equal(body.type, 4);
    assert.equal(body.data.flags, 64);
    assert.match(body.data.content, /already/i);
  }
  await t.test("at once", replayed);
  await t.test("after the object was evicted", async () => {
    await world.evict();
    await replayed();
  });
  await t.test("after a restart", async () => {
    await world.restart();
    await replayed();
  });
  assert.equal(await puts(), 1);
});

test("a replay while the first is still running", async (t) => {
  const world = await startWithTable(t);
  await world.simulator.inject({ fault: "delay", ms: SLOW_MS, method: "POST", path: await world.logPath() });
  const view = await world.begin(insertOf(ROW));
  mustBeDeferred(view);
  const { body } = await world.simulator.redeliver(view.id);
  assert.match(body.data.content, /already/i);
  assert.ok(!isRefusal(await later(world, view)));
  assert.equal((await world.log()).filter((message) => message.content.includes("users/u_1")).length, 1);
});

test("the network is gone: the reply says that Discord cannot be reached", async (t) => {
  let down = false;
  const outbound = (request) => {
    if (down) throw new Error("connection refused");
    return fetch(request.url, { method: request.method, headers: request.headers, body: request.body, duplex: "half" });
  };
  const world = await startWorld(t, { outbound });
  await world.ok("/dbc_init database:prod");
  await world.ok("/dbc_table_create database:prod table:users pk:id");
  down = true;
  const view = await world.begin(insertOf(ROW));
  down = view.state !== "deferred";
  const reply = answerOf(view.state === "deferred" ? await world.simulator.interaction(view.id, 60_000) : view);
  down = false;
  const committed = (await world.log()).filter((message) => message.content.includes("users/u_1")).length;
  assert.equal(committed, isRefusal(reply) ? 0 : 1, reply);
});
