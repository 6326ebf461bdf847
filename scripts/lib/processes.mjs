// Starting and ending child processes, so that nothing is left running however this one ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import net from "node:net";
import path from "node:path";
import { parseArgs } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));

/** An error whose message is meant for the person at the terminal: shown without a stack. */
export class Problem extends Error {
  exitCode = 1;
}

/** An argument that makes no sense. */
export class Misuse extends Problem {
  exitCode = 2;
}

/** The options and positionals of the command line, or a Misuse that names the one that does not exist. */
export function commandLine(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new Misuse(`${error.message.split(". ")[0]}; --help says what there is`);
  }
}

/**
 * Starts a command in a process group of its own, under the guard.
 * `stop()` ends the whole group and resolves when it is gone; so does the death of this process.
 * Its output goes to our terminal (`inherit`), or line by line to `onLine` and, the last of it, to `output`.
 */
export function startGroup(command, args, { env, onLine = () => {}, inherit = false } = {}) {
  const guard = fileURLToPath(new URL("guard.mjs", import.meta.url));
  const child = spawn(process.execPath, [guard, command, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    detached: true,
    stdio: inherit ? ["pipe", "inherit", "inherit"] : ["pipe", "pipe", "pipe"],
  });
  const output = [];
  for (const stream of inherit ? [] : [child.stdout, child.stderr]) {
    eachLine(stream, (line) => {
      output.push(line);
      if (output.length > 200) output.shift();
      onLine(line);
    });
  }
  child.stdin.on("error", () => {});
  const exited = once(child, "exit");
  return {
    pid: child.pid,
    output,
    exited,
    get running() {
      return child.exitCode === null && child.signalCode === null;
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}

/** Runs a command to its end with our terminal; throws a Problem when it fails. */
export async function run(command, args, { env, what = command } = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await exitOf(child, command);
  if (code !== 0) throw new Problem(`${what} failed; the lines above say why`);
}

/** Runs a command to its end and returns its output; throws a Problem that shows it when it fails. */
export async function capture(command, args, { env, what = command, input } = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [code] = await exitOf(child, command, "close");
  if (code !== 0) throw new Problem(`${what} failed:\n${(stderr + stdout).trim()}`);
  return stdout;
}

async function exitOf(child, command, event = "exit") {
  try {
    return await once(child, event);
  } catch (error) {
    throw new Problem(`${command} could not be started: ${error.message}`);
  }
}

export function eachLine(stream, onLine) {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop();
    lines.forEach(onLine);
  });
  stream.on("end", () => rest && onLine(rest));
}

/** Calls `onDeath` when the process that started this one is gone. */
export function watchParent(onDeath) {
  const parent = process.ppid;
  const timer = setInterval(() => process.ppid !== parent && onDeath(), 250);
  timer.unref();
}

/** Polls until `condition` returns something truthy, and returns it; undefined when the bound is reached. */
export async function waitFor(condition, { boundMs = 20_000, everyMs = 50 } = {}) {
  const deadline = Date.now() + boundMs;
  for (;;) {
    const result = await condition();
    if (result || Date.now() >= deadline) return result || undefined;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}

/** Whether something can listen on this loopback port now. */
export async function portIsFree(port) {
  const server = await listen(port).catch((error) => {
    if (error.code === "EADDRINUSE") return null;
    throw new Problem(`port ${port} cannot be used: ${error.message}`);
  });
  if (server) await new Promise((resolve) => server.close(resolve));
  return server !== null;
}

export async function freePort() {
  const server = await listen(0);
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listen(port) {
  const server = net.createServer();
  server.listen({ port, host: "127.0.0.1", exclusive: true });
  await once(server, "listening");
  return server;
}

/** Where cargo puts what it builds, whatever the environment and its configuration say. */
export async function cargoTarget() {
  const metadata = await capture("cargo", ["metadata", "--no-deps", "--format-version", "1"], { what: "cargo metadata" });
  return JSON.parse(metadata).target_directory;
}

export const trafficFolder = path.join(root, "target", "traffic");
