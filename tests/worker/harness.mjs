// A world for one test: the simulator, the built Worker in workerd, a guild with the commands registered.
import assert from "node:assert/strict";
import { createPrivateKey, sign } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { Log, LogLevel, Miniflare } from "miniflare";
import { findChannel } from "../../scripts/lib/guild.mjs";
import { capture, cargoTarget, freePort, root, trafficFolder, waitFor } from "../../scripts/lib/processes.mjs";
import { replyText, startSimulator } from "../../scripts/lib/simulator.mjs";
import { epochIn, jsonIn } from "../../scripts/lib/tour.mjs";

export { epochIn, findChannel, jsonIn, replyText, waitFor };
export { findCategory, guildChanges } from "../../scripts/lib/guild.mjs";

const build = path.join(root, "build");
/** The one that is deployed: workerd behaves by it. */
const COMPATIBILITY_DATE = /^compatibility_date = "(.*)"$/m.exec(readFileSync(path.join(root, "wrangler.toml"), "utf8"))[1];
/** Of a person who opens a file. */
const USER_AGENT = "DiscordBot (https://example.com/worker-test, 0.1.0)";
let programs;
let recordings = 0;

/**
 * Starts everything, and ends it after the test `t`. Options: `configuration` changes what the Worker is told
 * (`null` takes a value away), `outbound(request)` answers its outgoing requests instead of the network,
 * `guild` is the simulator's guild specification, and without `records` the traffic is not kept for the contract suite.
 */
export async function startWorld(t, { configuration = {}, outbound, guild = {}, records = true } = {}) {
  programs ??= await findPrograms();
  const folder = await mkdtemp(path.join(os.tmpdir(), "dbcord-test-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  if (records) await mkdir(trafficFolder, { recursive: true });
  const traffic = records ? path.join(trafficFolder, `worker-${process.pid}-${(recordings += 1)}.ndjson`) : undefined;
  const simulator = await startSimulator(programs.simulator, { traffic });
  t.after(() => simulator.stop());

  const world = new World({ simulator, folder, outbound, port: await freePort() });
  world.guild = await simulator.createGuild(guild);
  world.configuration = { ...simulator.configuration(world.guild.guild_id), ...configuration };
  t.after(() => world.stop());
  await world.start();
  if (!Object.keys(configuration).length) {
    await world.register();
    await world.makeKnown();
  }
  return world;
}

/** A world with a database `prod` and a table `users`, whose channel and card are there already. */
export async function startWithTable(t, options) {
  const world = await startWorld(t, options);
  await world.ok("/dbc_init database:prod");
  await world.ok("/dbc_table_create database:prod table:users pk:id");
  await world.settled((state) => findChannel(state, "table-users") && findChannel(state, "dbc-catalog").messages.length > 0, "#table-users and its card");
  return world;
}

class World {
  constructor({ simulator, folder, outbound, port }) {
    Object.assign(this, { simulator, folder, outbound, port, logs: [] });
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  get endpoint() {
    return `${this.url}/interactions`;
  }

  async start() {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.startWorkerd();
        break;
      } catch (error) {
        // Somebody else took the port between our choice and workerd's start: another is as good.
        if (error.code !== "ERR_ADDRESS_IN_USE" || attempt === 5) throw error;
        await this.miniflare.dispose().catch(() => {});
        this.port = await freePort();
      }
    }
    if (this.known && this.known !== this.endpoint) await this.makeKnown();
  }

  /** Tells Discord where the Worker is. */
  async makeKnown() {
    await this.simulator.setEndpoint(this.endpoint);
    this.known = this.endpoint;
  }

  async startWorkerd() {
    const bindings = Object.fromEntries(Object.entries(this.configuration).filter(([, value]) => value !== null));
    this.miniflare = new Miniflare({
      host: "127.0.0.1",
      port: this.port,
      log: new Log(LogLevel.NONE),
      cf: false,
      handleRuntimeStdio: (...streams) => {
        for (const stream of streams) stream.setEncoding("utf8").on("data", (text) => this.logs.push(text));
      },
      durableObjectsPersist: path.join(this.folder, "objects"),
      workers: [
        {
          name: "dbcord",
          modulesRoot: build,
          modules: [
            { type: "ESModule", path: path.join(build, "index.js") },
            { type: "CompiledWasm", path: path.join(build, "index_bg.wasm") },
          ],
          compatibilityDate: COMPATIBILITY_DATE,
          bindings,
          durableObjects: { GUILD: { className: "GuildObject", useSQLite: true } },
          ...(this.outbound && { outboundService: this.outbound }),
        },
        {
          name: "evictor",
          modules: true,
          compatibilityDate: COMPATIBILITY_DATE,
          compatibilityFlags: ["unsafe_module", "experimental"],
          script: `import unsafe from "workerd:unsafe";
            export default { async fetch() { await unsafe.abortAllDurableObjects(); return new Response("done"); } };`,
        },
      ],
    });
    await this.miniflare.ready;
  }

  async stop() {
    await this.miniflare?.dispose();
    this.miniflare = undefined;
    const panic = this.logs.find((text) => text.includes("panicked at"));
    assert.equal(panic, undefined, "the Worker panicked");
  }

  /** Ends workerd and starts it anew: memory is gone, object storage stays unless it is wiped. */
  async restart({ wipe = false } = {}) {
    await this.stop();
    if (wipe) await rm(path.join(this.folder, "objects"), { recursive: true, force: true });
    await this.start();
  }

  /** Takes every object out of memory, while the isolate and its wasm heap live on, as Cloudflare does when idle. */
  async evict() {
    const evictor = await this.miniflare.getWorker("evictor");
    const response = await evictor.fetch("http://evictor/");
    assert.equal(await response.text(), "done");
  }

  /** Registers the commands with the same program that registers them with the real Discord. */
  async register(guildId = this.guild.guild_id) {
    const env = { ...this.simulator.configuration(guildId) };
    await capture(programs.register, ["--guild", guildId], { env, what: "dbcord-register" });
  }

  /** Sends a command and returns its view once it is answered or has failed. */
  run(text, more = {}) {
    return this.simulator.ask({ guild_id: this.guild.guild_id, text, ...more });
  }

  /** Sends a command and returns its view at the first answer: deferred, maybe. */
  begin(text, more = {}) {
    return this.simulator.interact({ guild_id: this.guild.guild_id, text, ...more });
  }

  /** Sends a command that must be answered, and returns the text of the reply. */
  async reply(text, more) {
    return answerOf(await this.run(text, more));
  }

  /** Sends a command that must succeed, and returns the text of the reply. */
  async ok(text, more) {
    const reply = await this.reply(text, more);
    assert.ok(!isRefusal(reply), `${text} was refused: ${reply}`);
    return reply;
  }

  /** Sends a command that must be refused, and returns the text of the reply. */
  async refused(text, more) {
    const reply = await this.reply(text, more);
    assert.ok(isRefusal(reply), `${text} was not refused: ${reply}`);
    return reply;
  }

  insert(row) {
    return this.ok(insertOf(row));
  }

  /** The row that /dbc_get shows: in the reply, or in the file that comes with it. */
  async row(key) {
    const view = await this.run(`/dbc_get database:prod table:users key:${key}`);
    const text = answerOf(view);
    assert.ok(!isRefusal(text), text);
    const [file] = view.reply.attachments ?? [];
    return file ? (await fetch(file.url, { headers: { "user-agent": USER_AGENT } })).json() : jsonIn(text);
  }

  async epoch() {
    return epochIn(await this.run("/dbc_inspect database:prod"));
  }

  state() {
    return this.simulator.guild(this.guild.guild_id);
  }

  /** Waits until the guild is as `condition` wants it, and returns its state. */
  async settled(condition, what) {
    let state;
    const there = await waitFor(async () => condition((state = await this.state())));
    assert.ok(there, `${what} did not appear in the guild`);
    return state;
  }

  /** Waits until the row's message stands in the table's channel. */
  mirrored(key, rev = 1) {
    const starts = `**${key}** · rev ${rev}`;
    return this.settled((state) => findChannel(state, "table-users")?.messages.some((message) => message.content.startsWith(starts)), `the message of ${key}`);
  }

  /** The guild once the row's message is there and a checkpoint covers the row: nothing is left to do then. */
  async checkpointed(key) {
    await this.mirrored(key);
    const isLast = (state) => {
      const log = findChannel(state, "dbc-log").messages;
      const last = (text) => log.findLastIndex((message) => message.content.includes(text));
      return last("· checkpoint of commit") > last(`/${key} put`);
    };
    return this.settled(isLast, `a checkpoint with ${key}`);
  }

  async log() {
    return findChannel(await this.state(), "dbc-log").messages;
  }

  /** For faults: matches the path of the log's messages. */
  async logPath() {
    return `^/channels/${findChannel(await this.state(), "dbc-log").id}/messages`;
  }

  /** The Worker's exchanges with Discord since `n`, those that a test made as a person left out. */
  async requests(since = 0) {
    const { exchanges } = await this.simulator.traffic(since);
    return exchanges.filter((one) => one.direction === "rest" && one.authorization !== "other");
  }

  async trafficPosition() {
    return (await this.simulator.traffic()).next;
  }

  /** The payload of the newest command that Discord sent, to be changed and signed by hand. */
  async newestPayload() {
    const { exchanges } = await this.simulator.traffic();
    return structuredClone(exchanges.findLast((one) => one.direction === "interaction" && one.request?.type === 2).request);
  }

  /**
   * POSTs a signed body (an object, text or bytes) to the Worker, as Discord would. `key` signs instead of Discord's own, `timestamp` is in
   * seconds, `headers` and `sent` (the body that goes out, when it is not the one that was signed) spoil the request.
   */
  async post(body, { key = this.simulator.signing_key, timestamp = now(), headers = {}, sent } = {}) {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
    const signed = {
      "content-type": "application/json",
      "x-signature-ed25519": signature(key, Buffer.concat([Buffer.from(String(timestamp)), bytes])),
      "x-signature-timestamp": String(timestamp),
      ...headers,
    };
    const present = Object.entries(signed).filter(([, value]) => value !== null);
    const response = await fetch(this.endpoint, { method: "POST", headers: Object.fromEntries(present), body: sent ?? bytes, duplex: "half" });
    return bodyOf(response);
  }

  async request(method, route, init = {}) {
    return bodyOf(await fetch(this.url + route, { method, ...init }));
  }
}

async function bodyOf(response) {
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: text.startsWith("{") ? JSON.parse(text) : null };
}

export function answerOf(view) {
  assert.equal(view.state, "answered", `the interaction is ${view.state}: ${view.failure} (delivery: ${JSON.stringify(view.delivery)})`);
  assert.ok(view.ephemeral, "the reply can be seen by others");
  const text = replyText(view);
  assert.notEqual(text, "", "the reply is empty");
  return text;
}

/** Every refusal starts with the same sign, so that a person sees it at once. */
export const isRefusal = (text) => text.startsWith("❌");
export const insertOf = (row) => `/dbc_insert database:prod table:users key:${row.id} value_json:${JSON.stringify(row)}`;
export const now = () => Math.floor(Date.now() / 1000);
export const ping = { id: "1", application_id: "1", type: 1, token: "t", version: 1 };

/** An ed25519 key that is not Discord's. */
export const otherKey = "11".repeat(32);

function signature(seedHex, bytes) {
  const der = Buffer.concat([Buffer.from("302e020100300506032b657004220420", "hex"), Buffer.from(seedHex, "hex").subarray(0, 32)]);
  return sign(null, bytes, createPrivateKey({ key: der, format: "der", type: "pkcs8" })).toString("hex");
}

async function findPrograms() {
  const folder = path.join(await cargoTarget(), "debug");
  const found = { simulator: path.join(folder, "discord-sim"), register: path.join(folder, "dbcord-register") };
  for (const file of [...Object.values(found), path.join(build, "index.js")]) {
    if (!existsSync(file)) throw new Error(`${path.relative(root, file)} is not built: run scripts/test worker`);
  }
  return found;
}
