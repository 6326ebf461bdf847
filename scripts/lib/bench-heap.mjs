// scripts/bench engine: the heap of the wasm in workerd, with a large table loaded and after evictions. Writes the figures as JSON
// into the file that its argument names; DBCORD_BENCH_SMALL asks for a smaller table.
import { writeFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";
import { isRefusal, replyText, startWorld, waitFor } from "../../tests/worker/harness.mjs";
import { run } from "./processes.mjs";
import { buildPrograms } from "./simulator.mjs";

const SMALL = Boolean(process.env.DBCORD_BENCH_SMALL);
const ROWS = SMALL ? 1_000 : 50_000;
const ROW_BYTES = 300;
const ROWS_A_COMMIT = 1_000;
const ATTEMPTS = 10;
const BETWEEN_MS = 1_000;
const EVICTIONS = SMALL ? 3 : 20;
/**
 * Of the simulator's clock, so that Discord's limits are not what this is about. All together stay below the five minutes that a
 * signature may be ahead of the Worker's clock.
 */
const PAUSE_MS = 2_000;
const GOAL_KIB = 64 * 1024;
const CHECKPOINT_BOUND_MS = 120_000;

async function main() {
  await run("scripts/build", [], { what: "building the Worker" });
  await buildPrograms();
  const cleanups = [];
  const scope = { after: (cleanup) => cleanups.push(cleanup) };
  try {
    const measurements = await measure(await startWorld(scope, { records: false }));
    await writeFile(process.argv[2], JSON.stringify(measurements));
  } finally {
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

async function measure(world) {
  console.error("measuring: the heap of the wasm");
  await world.ok("/dbc_init database:prod");
  await world.ok("/dbc_table_create database:prod table:users pk:id mirror:false");
  for (let first = 0; first < ROWS; first += ROWS_A_COMMIT) {
    const rows = Array.from({ length: ROWS_A_COMMIT }, (_, at) => row(first + at));
    await write(world, rows.map((value) => ({ op: "upsert", table: "users", key: value.id, value })));
  }
  const isCovered = async () => /commits since: 0\b/.test(replyText(await world.run("/dbc_inspect database:prod")));
  if (!(await waitFor(isCovered, { boundMs: CHECKPOINT_BOUND_MS, everyMs: 500 }))) throw new Error("no checkpoint covers the table");
  const filling = await heap(world);

  // A new isolate: what filling the table took is not in its heap.
  await world.restart();
  const heaps = [];
  for (let round = 0; round <= EVICTIONS; round += 1) {
    if (round > 0) await world.evict();
    await world.simulator.advanceClock(PAUSE_MS);
    await answered(world, "/dbc_get database:prod table:users key:k000000");
    heaps.push(await heap(world));
  }
  console.error(`KiB after each opening: ${heaps.join(" ")}`);
  // Wasm memory never shrinks, and what the allocator keeps between blocks settles within some rounds;
  // a leak would go on.
  const settled = Math.floor(EVICTIONS / 4);
  const what = `${thousands(ROWS)} rows of ${ROW_BYTES} B, heap of the wasm`;
  return [
    { name: `${what}: loaded from the checkpoint`, value: heaps[0], unit: "KiB", goal: { below: GOAL_KIB } },
    { name: `${what}: after ${EVICTIONS} evictions`, value: heaps.at(-1), unit: "KiB", goal: { below: GOAL_KIB } },
    { name: `${what}: growth from eviction ${settled} to the last`, value: heaps.at(-1) - heaps[settled], unit: "KiB", goal: { exactly: 0 } },
    { name: `${what}: in the object that wrote them`, value: filling, unit: "KiB", goal: { below: GOAL_KIB } },
  ];
}

/** A transaction: an upsert, which may be repeated. */
async function write(world, ops) {
  await world.simulator.advanceClock(PAUSE_MS);
  const file = { filename: "ops.json", text: JSON.stringify(ops) };
  await answered(world, "/dbc_transact database:prod ops_file:@ops", { files: { ops: file } });
}

async function heap(world) {
  const text = await answered(world, "/dbc_inspect database:prod");
  const found = /wasm heap: ([\d,]+) KiB/.exec(text);
  if (!found) throw new Error(`no heap size in: ${text}`);
  return Number(found[1].replaceAll(",", ""));
}

/**
 * The reply to a command that may be repeated. Here the object and the entry, which answers in its place when it is busy, share a
 * thread, so that on a busy machine the answer can come too late.
 */
async function answered(world, text, more) {
  for (let attempt = 1; ; attempt += 1) {
    const view = await world.run(text, more);
    if (view.state === "answered" && !isRefusal(replyText(view))) return replyText(view);
    if (attempt === ATTEMPTS) throw new Error(`${text} failed ${ATTEMPTS} times: ${view.failure ?? replyText(view)}`);
    await setTimeout(BETWEEN_MS);
  }
}

/** A row whose text is nothing that packs well, and the same in every run. */
function row(number) {
  const id = `k${String(number).padStart(6, "0")}`;
  const frame = JSON.stringify({ id, n: number, text: "" }).length;
  let state = number + 1;
  const letter = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) >>> 8) % 36;
  const text = Array.from({ length: ROW_BYTES - frame }, () => letter().toString(36)).join("");
  return { id, n: number, text };
}

const thousands = (count) => count.toLocaleString("en-US");

await main();
