// The object comes and goes: Discord has everything, and nothing grows.
import assert from "node:assert/strict";
import test from "node:test";
import { answerOf, epochIn, findChannel, guildChanges, startWithTable } from "./harness.mjs";

const ROW = { id: "u_1", email: "a@example.com", role: "student" };
const EVICTIONS = 20;
const WARM_UP = 5;
const PAUSE_MS = 3000;

test("a restart of the object between write and read", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const epoch = await world.epoch();
  await world.restart();
  assert.deepEqual(await world.row("u_1"), ROW);
  assert.ok((await world.epoch()) > epoch, "the object was not opened anew");
});

// What comes after the wait is tested natively, where a minute takes no time.
test("with wiped object storage nothing is answered before everything under way has arrived", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const before = await world.checkpointed("u_1");
  await world.restart({ wipe: true });
  for (const command of ["/dbc_get database:prod table:users key:u_1", `/dbc_insert database:prod table:users key:u_1 value_json:{"id":"u_1"}`]) {
    assert.match(await world.refused(command), /this object's storage is new.*Try again in \d+ s/);
  }
  assert.deepEqual(guildChanges(before, await world.state()), []);
});

test("background work goes on after a restart", async (t) => {
  const world = await startWithTable(t);
  const table = findChannel(await world.state(), "table-users");
  const { id } = await world.simulator.inject({ fault: "status", status: 500, method: "POST", path: `^/channels/${table.id}/messages$`, times: 0 });
  assert.ok(id !== undefined);
  await world.insert(ROW);
  await world.restart();
  await world.simulator.clearFaults();
  await world.mirrored("u_1");
});

test("coming and going changes nothing in the guild", async (t) => {
  const world = await startWithTable(t);
  await world.insert(ROW);
  const before = await world.checkpointed("u_1");
  for (let round = 0; round < 3; round += 1) {
    await world.evict();
    assert.deepEqual(await world.row("u_1"), ROW);
  }
  assert.deepEqual(guildChanges(before, await world.state()), []);
});

test(`the wasm heap is flat after ${EVICTIONS} evictions`, async (t) => {
  const world = await startWithTable(t);
  for (let n = 0; n < 4; n += 1) await world.insert({ id: `u_${n}`, text: "x".repeat(4000) });
  const heaps = [];
  let epoch = await world.epoch();
  for (let round = 0; round < EVICTIONS; round += 1) {
    await world.evict();
    // So many cold opens in a second or two would run into Discord's limits, which are not what this is about.
    await world.simulator.advanceClock(PAUSE_MS);
    const view = await world.run("/dbc_inspect database:prod");
    const text = answerOf(view);
    const next = epochIn(view);
    assert.ok(next > epoch, `round ${round}: the epoch is ${next} and was ${epoch}: the object was not evicted\n${text}`);
    epoch = next;
    const heap = /([\d,]+)\s*KiB/.exec(text);
    assert.ok(heap, `no heap size in: ${text}`);
    heaps.push(Number(heap[1].replaceAll(",", "")));
  }
  assert.equal(Math.max(...heaps.slice(WARM_UP)), heaps[WARM_UP], `KiB after each eviction: ${heaps.join(" ")}`);
});
