// Everything that the other suites sent and got, against Discord's OpenAPI document.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { DELIBERATE, deliberately } from "./deliberate.mjs";
import { problemsOf } from "./exchange.mjs";
import { HOW_TO_GET_IT, findDocument, loadDocument } from "./openapi.mjs";

const folder = process.env.DBCORD_TRAFFIC ?? fileURLToPath(new URL("../../target/traffic", import.meta.url));
const SHOWN = 25;
/** How the names of the recordings begin that must be there, in a run of everything. */
const expected = (process.env.DBCORD_TRAFFIC_EXPECTED ?? "").split(",").filter(Boolean);

const document = findDocument();
const files = recordings();
const skip = !document ? HOW_TO_GET_IT : files.length === 0 && expected.length === 0 ? "nothing was recorded in target/traffic: run scripts/test first" : false;

test("the recorded traffic is as Discord's document says", { skip }, async (t) => {
  const api = loadDocument(document);
  const exchanges = files.flatMap(read);
  const all = exchanges.flatMap((exchange) => problemsOf(api, exchange).map((problem) => ({ exchange, ...problem })));
  const excused = all.map((problem) => deliberately(api, problem));
  const found = all.filter((problem, index) => !excused[index]);

  await t.test("every suite that records has recorded", () => {
    for (const prefix of expected) {
      assert.ok(exchanges.some((exchange) => exchange.file.startsWith(`${prefix}-`)), `no exchange in target/traffic/${prefix}-*.ndjson`);
    }
  });
  const kinds = [
    ["every request of the Worker and the tools", (one) => one.side === "request"],
    ["every answer of the simulator", (one) => one.side === "response" && one.exchange.direction === "rest"],
    ["every answer to an interaction", (one) => one.side === "response" && one.exchange.direction === "interaction"],
  ];
  for (const [name, ofKind] of kinds) await t.test(name, () => mustBeNone(found.filter(ofKind)));
  await t.test("nothing is excused that nobody sends", () => {
    const unused = DELIBERATE.filter((entry) => expected.includes(entry.recording) && !excused.includes(entry));
    assert.deepEqual(unused.map((entry) => entry.why), []);
  });
  t.diagnostic(`${exchanges.length} exchanges in ${files.length} recordings; ${coverage(exchanges)}`);
});

function mustBeNone(problems) {
  if (problems.length === 0) return;
  const grouped = new Map();
  for (const { exchange, text } of problems) {
    const key = `${exchange.method ?? ""} ${withoutIds(exchange.path ?? exchange.direction)} ${exchange.status ?? ""}: ${text}`;
    const group = grouped.get(key) ?? { count: 0, first: exchange };
    grouped.set(key, { ...group, count: group.count + 1 });
  }
  const lines = [...grouped].slice(0, SHOWN).map(([key, { count, first }]) => `${key}\n      ${count} times, first in ${first.file}, exchange ${first.n}`);
  if (grouped.size > SHOWN) lines.push(`and ${grouped.size - SHOWN} more kinds`);
  assert.fail(`${problems.length} problems:\n  ${lines.join("\n  ")}`);
}

const withoutIds = (text) => text.replace(/\d{5,}/g, "N").replace(/(\/webhooks\/N\/)[^/?]+/, "$1TOKEN");

function coverage(exchanges) {
  const count = (wanted) => exchanges.filter(wanted).length;
  return `${count((one) => one.direction === "rest")} rest, ${count((one) => one.direction === "cdn")} cdn, ${count((one) => one.direction === "interaction")} interactions`;
}

function recordings() {
  try {
    return readdirSync(folder).filter((name) => name.endsWith(".ndjson")).sort();
  } catch {
    return [];
  }
}

/** A recording that was cut off in its last line (its writer was ended) is read up to there. */
function read(file) {
  const lines = readFileSync(path.join(folder, file), "utf8").split("\n");
  const last = lines.pop();
  if (last !== "") lines.push(...(parses(last) ? [last] : []));
  return lines.filter(Boolean).map((line) => ({ ...JSON.parse(line), file }));
}

function parses(line) {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false;
  }
}
