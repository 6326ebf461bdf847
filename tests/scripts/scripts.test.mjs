// The scripts themselves: what they show, and that nothing they start outlives them.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import net from "node:net";
import path from "node:path";
import test from "node:test";
import { asShown, findChannel, guildChanges, guildTree } from "../../scripts/lib/guild.mjs";
import { eachLine, root, startGroup, waitFor } from "../../scripts/lib/processes.mjs";
import { epochIn, jsonIn } from "../../scripts/lib/tour.mjs";

const channel = (id, name, more = {}) => ({ id, name, type: 0, position: 0, topic: null, parent_id: null, permission_overwrites: [], messages: [], ...more });
const message = (id, content, more = {}) => ({ id, content, embeds: [], attachments: [], ...more });

test("a guild's changes are what is new, what is different and what is gone", () => {
  const before = { channels: [channel("1", "general"), channel("2", "log", { messages: [message("10", "one"), message("11", "two")] }), channel("3", "old")] };
  const after = {
    channels: [
      channel("1", "general"),
      channel("2", "log", { messages: [message("10", "one, edited"), message("12", "three\nwith more", { attachments: [{ filename: "a.json", size: 5 }] })] }),
      channel("5", "secret", { parent_id: "4", permission_overwrites: [{ id: "9", type: 0, allow: "0", deny: "1024" }] }),
      channel("4", "group", { type: 4 }),
    ],
  };
  assert.deepEqual(guildChanges(before, after), [
    "  #log",
    "    ~ one, edited",
    "    + three  (+1 line)  [a.json, 5 bytes]",
    "    - two",
    "+ category group",
    "+ #secret  (private)",
    "- #old",
  ]);
  assert.deepEqual(guildChanges(after, after), []);
  assert.deepEqual(guildTree({ channels: [channel("2", "log", { messages: [message("10", "one")] })] }), ["  #log", "      one"]);
});

test("threads stand below their channel", () => {
  const thread = (id, archived, messages) => ({ id, name: "u_1", type: 11, parent_id: "2", thread_metadata: { archived }, messages });
  const users = channel("2", "table-users");
  const before = { channels: [users], threads: [] };
  const open = { channels: [users], threads: [thread("9", false, [message("10", "one")])] };
  const after = { channels: [users], threads: [thread("9", true, [message("10", "one"), message("11", "two")])] };
  assert.deepEqual(guildChanges(before, open), ["  #table-users", "    + thread u_1", "        + one"]);
  assert.deepEqual(guildChanges(open, after), ["  #table-users", "    ~ thread u_1  (archived)", "        + two"]);
  assert.deepEqual(guildChanges(after, before), ["  #table-users", "    - thread u_1  (archived)"]);
  assert.deepEqual(guildChanges(after, after), []);
  assert.equal(findChannel(after, "u_1").id, "9");
});

test("mentions and points in time are shown as Discord does", () => {
  const guild = { channels: [channel("2", "log")], users: new Map([["7", "owner"]]) };
  assert.equal(asShown("<#2> <#3> <@7> <@8>", guild), "#log #3 @owner @8");
  assert.equal(asShown("<t:1800000000:f>", guild), new Date(1_800_000_000_000).toLocaleString());
});

test("the row and the epoch are found in a reply", () => {
  assert.deepEqual(jsonIn('**u_1** {not json}\n```json\n{"a": {"b": "}"}}\n```\nand {more}'), { a: { b: "}" } });
  assert.equal(jsonIn("nothing here"), undefined);
  assert.equal(epochIn({ reply: { content: "commits 3 · epoch `1,700` · seq 5" } }), 1700);
  assert.equal(epochIn({ reply: { content: "epoch: none" } }), undefined);
});

test("a group ends with all its children, and its exit code comes through", async () => {
  const failing = startGroup("bash", ["-c", "sleep 300 & echo $!; exit 7"], {});
  const [code] = await failing.exited;
  assert.equal(code, 7);
  await gone(Number(failing.output[0]));

  const endless = startGroup("bash", ["-c", "trap '' TERM; sleep 300 & echo $!; wait"], {});
  assert.ok(await waitFor(() => endless.output.length > 0));
  await endless.stop();
  await gone(Number(endless.output[0]));
});

test("a group ends when whoever started it is killed", async () => {
  const program = `import { startGroup } from ${JSON.stringify(path.join(root, "scripts/lib/processes.mjs"))};
    startGroup("bash", ["-c", "sleep 300 & echo $!; wait"], { onLine: console.log });`;
  const parent = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const pid = Number(await new Promise((resolve) => eachLine(parent.stdout, resolve)));
  parent.kill("SIGKILL");
  await gone(pid);
});

for (const option of ["--port", "--sim-port"]) {
  test(`scripts/dev says that the ${option} is in use`, async () => {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    const others = ["--port", "--sim-port"].filter((name) => name !== option).flatMap((name) => [name, "0"]);
    const { code, output } = await dev("--once", option, String(port), ...others);
    server.close();
    assert.notEqual(code, 0);
    assert.match(output, new RegExp(`port ${port} is in use.*${option}`));
    assert.doesNotMatch(output, /Building/);
  });
}

test("scripts have help, from any folder", async () => {
  for (const name of ["setup", "build", "dev", "test", "check", "register", "live", "simulate", "bench"]) {
    const child = spawn(path.join(root, "scripts", name), ["--help"], { cwd: "/", stdio: ["ignore", "pipe", "inherit"] });
    const lines = [];
    eachLine(child.stdout, (line) => lines.push(line));
    const [code] = await once(child, "close");
    assert.equal(code, 0, name);
    assert.ok(lines[0]?.startsWith(`Usage: scripts/${name}`) && lines.length > 2, `${name} --help: ${lines.join("\n")}`);
  }
});

test("an argument that makes no sense is named, with exit code 2, before anything is built", async () => {
  for (const [script, ...args] of [
    ["setup", "--night"],
    ["build", "--night"],
    ["dev", "--night"],
    ["test", "night"],
    ["bench", "engine", "--night"],
    ["bench", "engine", "--only", "night"],
    ["bench", "query", "--only", "night"],
    ["bench"],
  ]) {
    const { code, output } = await outputOf(script, args);
    assert.equal(code, 2, `${script} ${args.join(" ")}: ${output}`);
    assert.match(output, args.length > 0 ? /night/ : /engine/);
    assert.doesNotMatch(output, /Building/);
  }
});

const dev = (...args) => outputOf("dev", args);

async function outputOf(script, args) {
  const child = spawn(path.join(root, "scripts", script), args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = [];
  for (const stream of [child.stdout, child.stderr]) eachLine(stream, (line) => output.push(line));
  const [code] = await once(child, "close");
  return { code, output: output.join("\n") };
}

async function gone(pid) {
  assert.ok(pid > 0);
  const ended = await waitFor(() => {
    try {
      process.kill(pid, 0);
      return false;
    } catch {
      return true;
    }
  });
  assert.ok(ended, `process ${pid} is still there`);
}
