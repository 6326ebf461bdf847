// scripts/dev: the Worker under `wrangler dev`, with a Discord of our own on the other side.
import { mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { prompt } from "./prompt.mjs";
import { asShown, guildChanges, shorten } from "./guild.mjs";
import { Misuse, Problem, capture, commandLine, freePort, portIsFree, root, run, trafficFolder, waitFor, watchParent } from "./processes.mjs";
import { buildPrograms, replyText, startSimulator } from "./simulator.mjs";
import { notAnswered, stepCount, tour } from "./tour.mjs";
import { startWrangler } from "./wrangler.mjs";

/** How long the background work of one command may take. */
const BACKGROUND_BOUND_MS = 60_000;
/** For so long Discord lets an answer be edited. */
const EDITABLE_MS = 15 * 60_000;
/** More answers than this are not looked after. */
const ANSWERS_KEPT = 50;

const cleanups = [];
let ending;
/** Ctrl-C is the way to end it once all is up, and an interruption before. */
let interruptedCode = 130;

class Dev {
  constructor({ simulator, port, folder, rebuild, verbose }) {
    Object.assign(this, { simulator, port, folder, rebuild, verbose });
    /** What was answered lately: the command, and what its answer said last. */
    this.answers = [];
  }

  async startWorker() {
    const onLine = (line) => {
      if (this.verbose || (this.rebuild && tellsOfRebuild(line))) this.show(dim(`worker| ${line}`));
    };
    const configuration = this.simulator.configuration(this.guild.guild_id);
    this.worker = await startWrangler({ port: this.port, folder: this.folder, configuration, rebuild: this.rebuild, onLine });
  }

  async stopWorker() {
    await this.worker?.stop();
    this.worker = undefined;
  }

  /** Sends one command and prints it, its reply and what changed in the guild; returns what was wrong, or nothing. */
  async send(text, step = {}, seen = {}) {
    const before = await this.state();
    const view = await this.simulator.ask({ guild_id: this.guild.guild_id, text });
    printReply(view, await this.state());
    this.answers.push({ id: view.id, text, said: replyText(view), until: Date.now() + EDITABLE_MS });
    let wrong = notAnswered(view) ?? step.expect?.(view, seen);
    if (!wrong && step.guild) {
      const arrived = await waitFor(async () => step.guild(await this.state()), { boundMs: BACKGROUND_BOUND_MS, everyMs: 100 });
      if (!arrived) wrong = `${step.shows} did not appear within ${BACKGROUND_BOUND_MS / 1000} s`;
    }
    if (step.quiet) await this.quiet();
    for (const line of guildChanges(before, await this.state())) console.log(coloured(`    ${line}`));
    return wrong;
  }

  /** Prints the answers that were edited since they were shown, as that to `hard:true` is. */
  async showEditedAnswers() {
    this.answers = this.answers.filter(({ until }) => until > Date.now()).slice(-ANSWERS_KEPT);
    for (const answer of this.answers) {
      const view = await this.simulator.interaction(answer.id);
      const says = replyText(view);
      if (says === answer.said) continue;
      answer.said = says;
      this.show(`${bold(shorten(answer.text, 60))} now says:\n${replyLines(view, await this.state()).join("\n")}`);
    }
  }

  /** Waits until the guild no longer changes, or for a few seconds. */
  async quiet() {
    let last;
    const unchanged = async () => last === (last = JSON.stringify(await this.simulator.guild(this.guild.guild_id)));
    await waitFor(unchanged, { boundMs: 5000, everyMs: 500 });
  }

  /** Prints a line that nobody asked for: above what is being typed, if anything is. */
  show(line) {
    if (this.interrupting) this.interrupting(line);
    else console.log(line);
  }

  /** The guild as it is, and who is in it. */
  async state() {
    const people = Object.entries(this.guild.users).map(([name, id]) => [id, name]);
    const users = new Map([...people, [this.simulator.bot_user_id, "dbcord"]]);
    return { ...(await this.simulator.guild(this.guild.guild_id)), users };
  }

  async restart() {
    await this.stopWorker();
    await this.startWorker();
    console.log("  The Worker was stopped and started again: its memory is gone; Discord and the object's storage stay.");
  }

  async tour(report) {
    const seen = {};
    for (const [index, step] of tour.entries()) {
      console.log(`\n${dim(`${index + 1}/${stepCount}`)} ${bold(step.text ?? "(restart)")}`);
      const wrong = step.restart ? await this.restart() : await this.send(step.text, step, seen);
      if (wrong) {
        report.failed += 1;
        console.log(`    ${red(`not as expected: ${wrong}`)}`);
        if (this.worker) this.worker.output.slice(-15).forEach((line) => console.log(dim(`    worker| ${line}`)));
        return;
      }
      if (step.note) console.log(dim(`    (${step.note})`));
      report.passed += 1;
    }
  }
}

async function main() {
  const { values } = commandLine({
    options: {
      port: { type: "string", default: "8787" },
      "sim-port": { type: "string", default: "8788" },
      once: { type: "boolean", default: false },
      verbose: { type: "boolean", default: false },
      report: { type: "string" },
    },
  });
  const simPort = portOption("--sim-port", values["sim-port"]);
  let port = portOption("--port", values.port);
  if (port !== 0 && port === simPort) throw new Misuse("--port and --sim-port must differ");
  await mustBeFree("--port", port);
  await mustBeFree("--sim-port", simPort);

  await run("scripts/build", [], { what: "scripts/build" });
  const binary = await buildPrograms();

  const folder = await mkdtemp(path.join(os.tmpdir(), "dbcord-dev-"));
  cleanups.push(() => rm(folder, { recursive: true, force: true }));
  await mkdir(trafficFolder, { recursive: true });
  const traffic = path.join(trafficFolder, `dev-${process.pid}.ndjson`);
  const simulator = await startSimulator(binary, { port: simPort, traffic, canSearch: true });
  cleanups.push(() => simulator.stop());
  // Chosen late, so that hardly anybody else can take it in between.
  if (port === 0) port = await freePort();

  const dev = new Dev({ simulator, port, folder, rebuild: !values.once, verbose: values.verbose });
  dev.guild = await simulator.createGuild({ name: "Playground" });
  cleanups.push(() => dev.stopWorker());
  console.log("Starting the Worker");
  await dev.startWorker();
  console.log("Registering the commands");
  await register(simulator, dev.guild.guild_id);
  await simulator.setEndpoint(`${dev.worker.url}/interactions`);

  console.log(`\nDiscord (simulated)  ${simulator.url}\nWorker (wrangler)    ${dev.worker.url}\nGuild                ${dev.guild.guild_id}`);
  const report = { passed: 0, failed: 0 };
  await dev.tour(report);
  report.failed += stepCount - report.passed - report.failed;
  console.log(`\n${report.failed === 0 ? green("The tour went as expected") : red("The tour did not go as expected")}: ${report.passed} of ${stepCount} steps.`);
  if (values.report) await writeFile(values.report, JSON.stringify(report));
  if (values.once) return end(report.failed === 0 ? 0 : 1);
  interruptedCode = 0;

  console.log(`
The Worker is at ${dev.worker.url}, the simulator at ${simulator.url} (its control API under /sim).
Every request and answer is in ${path.relative(root, traffic)}.`);
  await prompt(dev, () => end(0));
}

/** The very script that registers commands with the real Discord. */
async function register(simulator, guildId) {
  const env = { ...simulator.configuration(guildId) };
  await capture(path.join(root, "scripts/register"), ["--guild", guildId], { env, what: "scripts/register" });
}

function portOption(name, text) {
  const port = Number(text);
  if (/^\d+$/.test(text) && port < 65536) return port;
  throw new Misuse(`${name} must be a port from 0 (any free one) to 65535, not ${text}`);
}

async function mustBeFree(name, port) {
  if (port !== 0 && !(await portIsFree(port))) {
    throw new Problem(`port ${port} is in use (by another scripts/dev?): choose one with ${name}, or ${name} 0 for any that is free`);
  }
}

/** wrangler builds again when a source changes: that it does so, and the compiler's errors. */
function tellsOfRebuild(line) {
  if (/^The file .* changed/.test(line)) return true;
  const built = /^\[custom build\] (.+)/.exec(line)?.[1];
  return built !== undefined && !/^(Running: |\[INFO\])/.test(built);
}

function printReply(view, guild) {
  for (const line of replyLines(view, guild)) console.log(line);
}

function replyLines(view, guild) {
  const text = asShown(replyText(view), guild) || view.failure || `(${view.state})`;
  return text.split("\n").map((line) => `  ${dim("│")} ${line}`);
}

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code) => (text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const [bold, dim, red, green, yellow] = ["1", "2", "31", "32", "33"].map(paint);
const coloured = (line) => ({ "+": green, "-": red, "~": yellow })[line.trim()[0]]?.(line) ?? line;

/** Ends everything that was started, the newest first, then this process. */
function end(code) {
  ending ??= (async () => {
    for (const cleanup of cleanups.reverse()) await cleanup().catch((error) => console.error(error.message));
    process.exit(code);
  })();
  return ending;
}

process.on("SIGINT", () => end(interruptedCode));
process.on("SIGTERM", () => end(143));
process.on("SIGHUP", () => end(129));
process.stdout.on("error", () => end(1));
watchParent(() => end(1));
main().catch((error) => {
  if (!ending) console.error(error instanceof Problem ? `scripts/dev: ${error.message}` : error);
  return end(error.exitCode ?? 1);
});
