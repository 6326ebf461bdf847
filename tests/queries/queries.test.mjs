// Random documents and queries: dbcord answers as the model does, and as mingo does with its differences named.
import assert from "node:assert/strict";
import test, { before, describe } from "node:test";
import { Generator } from "./generate.mjs";
import { DIFFERENCES, SELECT_DIFFERENCES, SORT_DIFFERENCES, Tally, inOneOrder, mingo } from "./mingo.mjs";
import { answer } from "./model.mjs";
import { ask, buildProgram } from "./program.mjs";

const CASES = Number(process.env.DBCORD_QUERY_CASES ?? 10_000);
const SEED = Number(process.env.DBCORD_QUERY_SEED ?? 1);

let program;
before(async () => {
  program = await buildProgram();
});

const casesFrom = (seed, options) => Array.from({ length: CASES }, (_, at) => ({ seed: seed + at, ...new Generator(seed + at).case(options) }));

/** One case for each difference between MongoDB and mingo, since random ones may show none of some. */
const SHOWN = [
  { docs: [{ a: "ab" }], where: { a: { $prefix: "a" } } },
  { docs: [{ a: "ab" }], where: { a: { $type: "str" } } },
  { docs: [{ a: 1 }], where: { a: { $type: "double" } } },
  { docs: [{ a: [{ b: 1 }, {}] }], where: { "a.b": null } },
  { docs: [{ a: [{ 0: 1 }] }], where: { "a.0": 1 } },
  { docs: [{ a: [["x"]] }], where: { a: { $regex: "x" } } },
  { docs: [{ a: { b: 1, c: 2 } }], where: { a: { c: 2, b: 1 } } },
  { docs: [{ a: [2, 1] }], where: { a: { $gt: [1, 9] } } },
  { docs: [{}], where: { a: { $gte: null } } },
  { docs: [{ a: [1] }], where: { a: { $in: [[1]] } } },
  { docs: [{ a: 1 }], where: { a: { $all: [1] } } },
  { docs: [{ a: [1] }], where: { a: { $type: "number" } } },
  { docs: [{ a: [1] }], where: { a: { $elemMatch: { b: 1 } } } },
  { docs: [{ a: "\u{10000}" }], where: { a: { $gt: "\u{ffff}" } } },
  { docs: [{ a: [5] }, { a: [1, 9] }], sort: { a: -1 } },
  { docs: [{ a: { a: "x" } }, { a: { b: 1 } }], sort: { a: 1 } },
  { docs: [{ a: "\u{10000}" }, { a: "\u{ffff}" }], sort: { a: 1 } },
  { docs: [{ a: [[{ b: 1, c: 2 }]] }], select: { "a.b": 0 } },
  { docs: [{ a: [null] }], select: { "a.b.c": 0 } },
  { docs: [{ a: 1, b: 2, _id: 3 }], select: { _id: 1, a: 0 } },
  { docs: [{ a: [{ b: 1 }] }], select: { "a.0": 1 } },
].map((one) => ({ where: {}, ...one }));

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

describe("random queries", () => {
  test("dbcord answers as the model of MongoDB's semantics does", () => {
    const cases = casesFrom(SEED, { hasText: true });
    const ours = ask(program, cases);
    compare(cases, ours, answer);
    const found = ours.filter(({ ok }) => ok.length > 0).length;
    assert.ok(found > CASES / 3, `only ${found} of ${CASES} queries found anything`);
  });

  test("dbcord answers as mingo does, but for the named differences", () => {
    const cases = [...SHOWN, ...casesFrom(SEED + CASES, {})];
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
