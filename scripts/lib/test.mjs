// scripts/test: runs the suites one after the other, and sums up what they counted.
import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import path from "node:path";
import { Misuse, Problem, commandLine, root, run, startGroup, trafficFolder, watchParent } from "./processes.mjs";
import { buildPrograms } from "./simulator.mjs";

const suites = { native, scripts, queries, worker, e2e, contract };
/** The suites that write into target/traffic. */
const RECORDING = ["native", "worker", "e2e"];
/** How the names of their recordings begin: the engine's and the tools' own tests, scripts/dev, the Worker's tests. */
const RECORDINGS = ["native", "tools", "dev", "worker"];
const resultFolder = path.join(root, "target", "test-results");
/** No test waits this long: one that does hangs. */
const TEST_BOUND_MS = 300_000;
let running;

async function main() {
  const { values, positionals } = commandLine({ allowPositionals: true, options: { filter: { type: "string" } } });
  for (const name of positionals) {
    if (!suites[name]) throw new Misuse(`there is no suite ${name}; there are ${Object.keys(suites).join(", ")}`);
  }
  const wanted = Object.keys(suites).filter((name) => positionals.length === 0 || positionals.includes(name));
  const whole = wanted.length === Object.keys(suites).length && !values.filter;
  // Each run judges its own traffic; only the contract suite alone looks at what is there.
  if (wanted.some((name) => RECORDING.includes(name))) await rm(trafficFolder, { recursive: true, force: true });
  await rm(resultFolder, { recursive: true, force: true });
  await mkdir(resultFolder, { recursive: true });

  const results = [];
  for (const name of wanted) {
    console.log(`\n=== ${name} ===\n`);
    const started = Date.now();
    const counts = await suites[name]({ filter: values.filter, whole }).catch((error) => {
      console.error(error instanceof Problem ? error.message : error);
      return { passed: 0, failed: 1, skipped: 0 };
    });
    results.push({ name, seconds: Math.round((Date.now() - started) / 1000), ...counts });
  }
  return summary(results);
}

async function native({ filter }) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  await mkdir(trafficFolder, { recursive: true });
  // dbcord by itself: built with others, its dependencies would get features that they do not have in the Worker.
  let failed = 0;
  for (const packages of [["--package", "dbcord"], ["--workspace", "--exclude", "dbcord"]]) {
    const args = ["test", ...packages, "--no-fail-fast", ...(filter ? ["--", filter] : [])];
    const code = await runGroup("cargo", args, {
      env: { CARGO_TERM_COLOR: process.stdout.isTTY ? "always" : "never", DBCORD_TRAFFIC: trafficFolder },
      onLine(line) {
        console.log(line);
        const found = /^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored;/.exec(line.replace(/\x1b\[[\d;]*m/g, ""));
        if (found) ["passed", "failed", "skipped"].forEach((key, index) => (counts[key] += Number(found[index + 1])));
      },
    });
    if (code !== 0) failed = code;
  }
  return orFailed(counts, failed);
}

async function scripts({ filter }) {
  return nodeTests("tests/scripts", filter);
}

async function queries({ filter }) {
  return nodeTests("tests/queries", filter);
}

async function worker({ filter }) {
  await run("scripts/build", [], { what: "scripts/build" });
  await buildPrograms();
  // These tests wait more than they work.
  return nodeTests("tests/worker", filter, { concurrency: 4 });
}

async function e2e({ filter }) {
  if (filter) return { passed: 0, failed: 0, skipped: 0 };
  const report = path.join(resultFolder, "e2e.json");
  const code = await runGroup("scripts/dev", ["--once", "--port", "0", "--sim-port", "0", "--report", report], { inherit: true });
  return orFailed({ skipped: 0, ...(await countsIn(report)) }, code);
}

async function contract({ filter, whole }) {
  await buildPrograms();
  // In a run of everything, a suite that recorded nothing would go unchecked without a word.
  return nodeTests("tests/contract", filter, { env: whole ? { DBCORD_TRAFFIC_EXPECTED: RECORDINGS.join() } : {} });
}

async function nodeTests(folder, filter, { env = {}, concurrency } = {}) {
  const files = (await readdir(path.join(root, folder))).filter((name) => name.endsWith(".test.mjs")).sort();
  const report = path.join(resultFolder, `${path.basename(folder)}.json`);
  const args = ["--test", "--test-reporter=spec", "--test-reporter-destination=stdout"];
  args.push(`--test-reporter=${path.join(root, "scripts/lib/counting-reporter.mjs")}`, `--test-reporter-destination=${report}`);
  if (nodeAtLeast(20, 11)) args.push(`--test-timeout=${TEST_BOUND_MS}`, ...(concurrency ? [`--test-concurrency=${concurrency}`] : []));
  if (filter) args.push(`--test-name-pattern=${filter.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}`);
  const code = await runGroup(process.execPath, [...args, ...files.map((name) => path.join(folder, name))], { env, inherit: true });
  return orFailed(await countsIn(report), code);
}

function nodeAtLeast(major, minor) {
  const [actualMajor, actualMinor] = process.versions.node.split(".").map(Number);
  return actualMajor > major || (actualMajor === major && actualMinor >= minor);
}

async function countsIn(file) {
  const text = await readFile(file, "utf8").catch(() => "");
  return { passed: 0, failed: 0, skipped: 0, ...(text ? JSON.parse(text) : {}) };
}

/** A suite that ended badly without counting a failure (it did not build, or crashed) failed all the same. */
const orFailed = (counts, code) => (code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts);

async function runGroup(command, args, options) {
  running = startGroup(command, args, options);
  const [code] = await running.exited;
  running = undefined;
  return code;
}

function summary(results) {
  const total = { name: "total", passed: 0, failed: 0, skipped: 0, seconds: 0 };
  for (const result of results) for (const key of ["passed", "failed", "skipped", "seconds"]) total[key] += result[key];
  const columns = ["passed", "failed", "skipped", "seconds"];
  console.log(`\n${"suite".padEnd(10)}${columns.map((column) => column.padStart(9)).join("")}`);
  for (const row of [...results, total]) console.log(row.name.padEnd(10) + columns.map((column) => String(row[column]).padStart(9)).join(""));
  console.log(`\n${total.passed} passed, ${total.failed} failed${total.skipped ? `, ${total.skipped} skipped` : ""}`);
  return total.failed === 0 && total.passed > 0 ? 0 : 1;
}

async function end(code) {
  await running?.stop();
  process.exit(code);
}

process.on("SIGINT", () => end(130));
process.on("SIGTERM", () => end(143));
process.on("SIGHUP", () => end(129));
watchParent(() => end(1));
main().then(end, (error) => {
  console.error(error instanceof Problem ? `scripts/test: ${error.message}` : error);
  return end(error.exitCode ?? 1);
});
