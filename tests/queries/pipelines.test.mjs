// Random pipelines: dbcord answers as the model does, and as mingo does, stage by stage, with its differences named.
import assert from "node:assert/strict";
import test, { before, describe } from "node:test";
import { Tally, inOneOrder } from "./mingo.mjs";
import { PipelineGenerator } from "./pipeline-generate.mjs";
import { DIFFERENCES, SHOWN, stagewise } from "./pipeline-mingo.mjs";
import { aggregate } from "./pipeline-model.mjs";
import { ask, buildProgram } from "./program.mjs";

const CASES = Number(process.env.DBCORD_QUERY_CASES ?? 5_000);
const SEED = Number(process.env.DBCORD_QUERY_SEED ?? 1);

let program;
before(async () => {
  program = await buildProgram();
});

const casesFrom = (seed) => Array.from({ length: CASES }, (_, at) => ({ seed: seed + at, ...new PipelineGenerator(seed + at).pipeline() }));

/** Fails with the first case whose answers differ, cut down to the documents and stages that it takes. */
function compare(cases, theirs, shown) {
  const isWrong = (one, given) => !("ok" in given) || JSON.stringify(shown(given.ok)) !== JSON.stringify(shown(theirs(one)));
  const ours = ask(program, cases);
  const at = cases.findIndex((one, at) => isWrong(one, ours[at]));
  if (at < 0) return ours;
  let smallest = cases[at];
  const shrink = (without) => {
    for (let at = 0; ; ) {
      const smaller = without(smallest, at);
      if (smaller === undefined) return;
      if (isWrong(smaller, ask(program, [smaller])[0])) smallest = smaller;
      else at += 1;
    }
  };
  shrink((one, at) => (at < one.pipeline.length ? { ...one, pipeline: one.pipeline.toSpliced(at, 1) } : undefined));
  shrink((one, at) => (at < one.docs.length ? { ...one, docs: one.docs.toSpliced(at, 1) } : undefined));
  shrink((one, at) => (at < one.tables.other.length ? { ...one, tables: { other: one.tables.other.toSpliced(at, 1) } } : undefined));
  const { seed, ...rest } = smallest;
  const [given] = ask(program, [smallest]);
  assert.deepEqual({ ...given, ok: given.ok && shown(given.ok) }, { ok: shown(theirs(smallest)) }, `seed ${seed}: ${JSON.stringify(rest)}`);
  assert.fail(`seed ${seed}: the fields of ${JSON.stringify(rest)} come in another order: ${JSON.stringify(given.ok)}`);
}

describe("random pipelines", () => {
  test("dbcord answers as the model of MongoDB's semantics does", () => {
    const ours = compare(casesFrom(SEED), aggregate, (rows) => rows);
    const found = ours.filter(({ ok }) => ok.length > 0).length;
    assert.ok(found > CASES / 2, `only ${found} of ${CASES} pipelines had a result`);
  });

  test("dbcord answers as mingo does, but for the named differences", () => {
    const tally = new Tally();
    const theirs = stagewise(tally);
    compare([...SHOWN, ...casesFrom(SEED + CASES)], theirs, inOneOrder);
    for (const name of Object.values(DIFFERENCES).flatMap(Object.keys)) {
      assert.ok(tally.mattered.get(name) > 0, `nothing shows that mingo differs in: ${name}`);
    }
    const judged = tally.asked - [...tally.met.values()].reduce((sum, met) => sum + met, 0);
    assert.ok(judged > tally.asked / 2, `mingo judged only ${judged} of ${tally.asked}`);
  });

  test("what makes no sense is refused, and the next question answered", () => {
    const generator = new PipelineGenerator(SEED);
    const garbled = (value) => {
      if (Array.isArray(value)) return value.map(garbled);
      if (typeof value !== "object" || value === null) return generator.chance(0.1) ? generator.value(2) : value;
      const rename = (name) => (generator.chance(0.1) ? generator.pick(["$sum", "$matches", "$literal", "", "a..b", "path", "$group"]) : name);
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [rename(name), garbled(inner)]));
    };
    const cases = casesFrom(SEED).map((one) => ({ ...one, pipeline: garbled(one.pipeline) }));
    const refused = ask(program, cases).filter(({ error }) => error);
    assert.ok(refused.length > CASES / 5 && refused.length < CASES, `${refused.length} of ${CASES} refused`);
    for (const { error } of refused) assert.match(error, /^Option `pipeline`: stage \d/);
  });
});
