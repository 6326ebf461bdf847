// Starting the Discord simulator, and its control API as functions.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { Problem, cargoTarget, eachLine, run } from "./processes.mjs";

/** Up to here, cargo only looks whether anything is to be done. */
const SILENCE_MS = 2_000;

/** Builds the simulator and the tools, and returns the path of the simulator's binary. */
export async function buildPrograms() {
  const folder = path.join(await cargoTarget(), "debug");
  const missing = ["discord-sim", "dbcord-register", "dbcord-live"].some((name) => !existsSync(path.join(folder, name)));
  if (missing) console.log("Building the simulator and the tools (the first time takes a minute or two)");
  const notice = setTimeout(() => missing || console.log("Building what has changed of the simulator and the tools"), SILENCE_MS);
  try {
    // One after the other: built together, their dependencies get features that they do not have when scripts/lib/tool
    // builds the tools alone, and all would be compiled twice.
    for (const name of ["discord-sim", "dbcord-tools"]) await run("cargo", ["build", "--quiet", "--package", name], { what: `building ${name}` });
  } finally {
    clearTimeout(notice);
  }
  return path.join(folder, "discord-sim");
}

/** The control API's no; `reason` is what it said. */
export class Refusal extends Problem {
  constructor(call, reason) {
    super(`the simulator refused ${call}: ${reason}`);
    this.reason = reason;
  }
}

/**
 * Starts the simulator; it ends with `stop()`, or when this process is gone, since its standard input closes then.
 * `problem` in an answer of the control API becomes an Error.
 */
export async function startSimulator(binary, { port = 0, traffic, latency, seed, canSearch = false, onLog = () => {} } = {}) {
  const args = ["--port", String(port), "--exit-when-stdin-closes"];
  if (traffic) args.push("--traffic", traffic);
  if (latency) args.push("--latency-ms", latency);
  if (seed !== undefined) args.push("--seed", String(seed));
  if (canSearch) args.push("--message-content-intent");
  const child = spawn(binary, args, { stdio: ["pipe", "pipe", "pipe"], detached: true });
  const log = [];
  eachLine(child.stderr, (line) => {
    log.push(line);
    onLog(line);
  });
  child.stdin.on("error", () => {});
  const exited = once(child, "exit").catch((error) => [error.message]);
  const line = await Promise.race([new Promise((resolve) => eachLine(child.stdout, resolve)), exited.then(() => null)]);
  if (line === null) throw new Problem(`the Discord simulator did not start:\n${log.join("\n")}`);
  const app = JSON.parse(line);

  async function control(method, route, body) {
    const response = await fetch(`${app.url}/sim${route}`, {
      method,
      headers: body === undefined ? {} : { "content-type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    }).catch((error) => {
      throw new Problem(`the simulator does not answer ${method} /sim${route} (${error.cause?.message ?? error.message}); the last it said:\n${log.slice(-20).join("\n")}`);
    });
    const text = await response.text();
    let answer;
    try {
      answer = text === "" ? null : JSON.parse(text);
    } catch {
      answer = null;
    }
    if (!response.ok) throw new Refusal(`${method} /sim${route}`, answer?.problem ?? `${response.status} ${text}`);
    return answer;
  }

  return {
    ...app,
    log,
    exited,
    /** What the Worker needs to know to talk to this Discord. */
    configuration: (guildId) => ({
      DISCORD_APPLICATION_ID: app.application_id,
      DISCORD_PUBLIC_KEY: app.public_key,
      DISCORD_BOT_TOKEN: app.bot_token,
      DISCORD_API_BASE: `${app.url}/api/v10`,
      DBCORD_GUILD_ID: guildId,
    }),
    status: () => control("GET", ""),
    createGuild: (spec = {}) => control("POST", "/guilds", { name: "Test guild", ...spec }),
    setEndpoint: (url) => control("PUT", "/endpoint", { url }),
    interact: (spec) => control("POST", "/interactions", spec),
    interaction: (id, waitMs = 0) => control("GET", `/interactions/${id}?wait_ms=${waitMs}`),
    redeliver: (id) => control("POST", `/interactions/${id}/redeliver`),
    guild: (id) => control("GET", `/guilds/${id}`),
    act: (userId, method, route, body) => control("POST", "/act", { user_id: userId, method, path: route, body }),
    botPermissions: (guildId, permissions) => control("PUT", `/guilds/${guildId}/bot-permissions`, { permissions }),
    inject: (fault) => control("POST", "/faults", fault),
    clearFaults: () => control("DELETE", "/faults"),
    traffic: (since = 0) => control("GET", `/traffic?since=${since}`),
    advanceClock: (ms) => control("POST", "/clock", { advance_ms: ms }),
    /** Sends an interaction and waits for its reply, deferred or not. */
    async ask(spec, { waitMs = 30_000 } = {}) {
      const view = await control("POST", "/interactions", spec);
      return view.state === "deferred" ? control("GET", `/interactions/${view.id}?wait_ms=${waitMs}`) : view;
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** A reply as a person reads it: content, embeds and file names, as plain text. */
export function replyText(view) {
  const reply = view.reply;
  if (!reply) return "";
  const parts = [reply.content];
  for (const embed of reply.embeds ?? []) {
    parts.push(embed.title, embed.description);
    for (const field of embed.fields ?? []) parts.push(`${field.name}: ${field.value}`);
    parts.push(embed.footer?.text);
  }
  for (const file of reply.attachments ?? []) parts.push(`[file ${file.filename}, ${file.size} bytes]`);
  return parts.filter(Boolean).join("\n");
}
