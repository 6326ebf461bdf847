// Random documents and queries: dbcord answers as the model does, and as mingo does with its differences named.
import assert from "node:assert/strict";
import test, { before, describe } from "node:test";
import { Generator } from "./generate.mjs";
import { DIFFERENCES, SELECT_DIFFERENCES, SORT_DIFFERENCES, Tally, mingo } from "./mingo.mjs";
import { answer } from "./model.mjs";
import { ask, buildProgram } from "./program.mjs";

const CASES = Number(process.env.DBCORD_QUERY_CASES ?? 10_000);
const SEED = Number(process.env.DBCORD_QUERY_SEED ?? 1);

let program;
before(async () => {
  program = await buildProgram();
});

const casesFrom = (seed, options) => Array.from({ length: CASES }, (_, at) => ({ seed: seed + at, ...new Generator(seed + at).case(options) }));

/** What random documents hardly ever show. */
const RARE = [
  { docs: [{ _id: 0, a: { a: "x" } }, { _id: 1, a: { b: 1 } }], where: {}, sort: { a: 1 } },
  { docs: [{ _id: 0, a: "\u{10000}" }, { _id: 1, a: "\u{ffff}" }], where: {}, sort: { a: 1 } },
  { docs: [{ _id: 0, a: "\u{10000}" }], where: { a: { $gt: "\u{ffff}" } } },
  { docs: [{ _id: 0, a: null }, { _id: 1 }, { _id: 2, a: null }], where: {}, sort: { a: 1 } },
];

/** Fails with the first case whose answers differ, cut down to the documents and conditions that it takes. */
function compare(cases, ours, theirs) {
  const isWrong = (one, given, wanted) => !("ok" in given) || JSON.stringify(given.ok) !== JSON.stringify(wanted);
  const at = cases.findIndex((one, at) => isWrong(one, ours[at], theirs(one)));
  if (at < 0) return;
  let smallest = cases[at];
  for (let without = 0; without < smallest.docs.length; ) {
    const smaller = { ...smallest, docs: smallest.docs.toSpliced(without, 1) };
    if (isWrong(smaller, ask(program, [smaller])[0], theirs(smaller))) smallest = smaller;
    else without += 1;
  }
  const { seed, ...shown } = smallest;
  assert.deepEqual(ask(program, [smallest])[0], { ok: theirs(smallest) }, `seed ${seed}: ${JSON.stringify(shown)}`);
  assert.fail(`seed ${seed}: the fields of ${JSON.stringify(shown)} come in another order`);
}

/** Fields by name: mingo has its own order of selected fields, and the model has ours. */
function inOneOrder(value) {
  if (Array.isArray(value)) return value.map(inOneOrder);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, inOneOrder(value[name])]));
}

describe("random queries", () => {
  test("dbcord answers as the model of MongoDB's semantics does", () => {
    const cases = casesFrom(SEED, { hasText: true });
    const ours = ask(program, cases);
    compare(cases, ours, answer);
    const found = ours.filter(({ ok }) => ok.length > 0).length;
    assert.ok(found > CASES / 3, `only ${found} of ${CASES} queries found anything`);
  });

  test("dbcord answers as mingo does, but for the named differences", () => {
    const cases = [...RARE, ...casesFrom(SEED + CASES, {})];
    const tally = new Tally();
    const theirs = mingo(tally);
    const ours = ask(program, cases);
    compare(cases, ours.map(({ ok, ...rest }) => (ok ? { ok: inOneOrder(ok) } : rest)), (one) => inOneOrder(theirs(one)));

    const names = [DIFFERENCES, SORT_DIFFERENCES, SELECT_DIFFERENCES].flatMap(Object.keys);
    for (const name of names) assert.ok(tally.mattered.get(name) > 0, `nothing shows that mingo differs in: ${name}`);
    const judged = tally.asked - [...tally.met.values()].reduce((sum, met) => sum + met, 0);
    assert.ok(judged > tally.asked / 2, `mingo judged only ${judged} of ${tally.asked}`);
  });

  test("what makes no sense is refused, and the next question answered", () => {
    const generator = new Generator(SEED);
    const garbled = (value) => {
      if (Array.isArray(value)) return value.map(garbled);
      if (typeof value !== "object" || value === null) return generator.chance(0.1) ? generator.value(2) : value;
      const rename = (name) => (generator.chance(0.15) ? generator.pick(["$gtt", "$or", "$elemMatch", "", "a..b", "$in", "$regex"]) : name);
      return Object.fromEntries(Object.entries(value).map(([name, inner]) => [rename(name), garbled(inner)]));
    };
    const cases = casesFrom(SEED, { hasText: true }).map((one) => ({ ...one, where: garbled(one.where), sort: garbled(one.sort), select: garbled(one.select) }));
    const ours = ask(program, cases);
    assert.equal(ours.length, cases.length);
    const refused = ours.filter(({ error }) => error);
    assert.ok(refused.length > CASES / 5 && refused.length < CASES, `${refused.length} of ${CASES} refused`);
    for (const { error } of refused) assert.match(error, /^Option `(where|sort|select)`: /);
  });
});
