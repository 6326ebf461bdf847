// Pipelines answered by mingo, one stage at a time, so that a stage in which it is known to differ says nothing of
// the others. docs/queries.md lists the differences.
import { Aggregator } from "mingo";
import { SELECT_DIFFERENCES, inOneOrder, mingo } from "./mingo.mjs";
import { compare, follow } from "./model.mjs";
import { after, evaluate } from "./pipeline-model.mjs";

const isList = Array.isArray;
const isObject = (value) => typeof value === "object" && value !== null && !isList(value);
const some = (value, holds) => holds(value) || (typeof value === "object" && value !== null && Object.values(value).some((inner) => some(inner, holds)));

/** Field references in an expression, without the dollar. */
function references(expression) {
  if (typeof expression === "string") return expression.startsWith("$") && expression !== "$$ROOT" ? [expression.slice(1)] : [];
  if (typeof expression !== "object" || expression === null || "$literal" in expression) return [];
  return Object.values(expression).flatMap(references);
}

/** What lies on the way of a path, lists entered. */
function onTheWay(doc, path) {
  const steps = path.split(".");
  return steps.slice(1).flatMap((_, at) => follow(doc, steps.slice(0, at + 1)).map(({ value }) => value));
}

const crosses = (docs, paths, holds) => docs.some((doc) => paths.some((path) => onTheWay(doc, path).some(holds)));
const valuesAt = (docs, path) => docs.flatMap((doc) => follow(doc, path.split(".")).map(({ value }) => value));
const isMissing = (value) => typeof value === "symbol";
const hasFields = (value) => some(value, (inner) => isObject(inner) && Object.keys(inner).length > 1);
const isAstral = (value) => typeof value === "string" && /[\u{10000}-\u{10ffff}]/u.test(value);
const hasNumber = (path) => /\.\d/.test(path);
const isOperator = (value) => isObject(value) && Object.keys(value).some((name) => name.startsWith("$"));

/** What the accumulators of these names get. */
function taken({ spec: { _id, ...spec }, docs }, ...names) {
  const of = Object.values(spec).filter((accumulator) => names.includes(Object.keys(accumulator)[0]));
  return of.flatMap((accumulator) => docs.map((doc) => evaluate(doc, Object.values(accumulator)[0])));
}

/** Paths of a projection, with what stands there. */
function paths(spec, around = "") {
  return Object.entries(spec).flatMap(([name, value]) => {
    const path = around + name;
    return isObject(value) && !isOperator(value) ? paths(value, `${path}.`) : [[path, value]];
  });
}

const isKept = (value) => [0, 1, true, false].includes(value);
const computed = (spec) => paths(spec).filter(([, value]) => !isKept(value)).map(([path]) => path);

const selection = (spec) => Object.fromEntries(paths(spec).filter(([, value]) => isKept(value)).map(([path, value]) => [path, Number(value)]));
const SELECT_DIFFERENCES_OF_STAGES = Object.fromEntries(
  Object.entries(SELECT_DIFFERENCES).map(([name, holds]) => [name, ({ spec, docs }) => holds({ select: selection(spec), docs })]),
);

/** In expressions, wherever they stand. */
const EXPRESSIONS = {
  "numbers in paths of expressions": ({ spec, docs }) => crosses(docs, references(spec).filter(hasNumber), isList),
  "lists in lists in expressions": ({ spec, docs }) => crosses(docs, references(spec), (value) => isList(value) && value.some(isList)),
};

/** Differences in one stage; what is given are the stage's spec, the rows that come to it, and the other table. */
export const DIFFERENCES = {
  $group: {
    ...EXPRESSIONS,
    "missing fields in lists of expressions": (here) => some(here.spec._id, isList) && docKeys(here).some((key) => some(key, (value) => value === null)),
    "accumulators of null": ({ spec: { _id, ...spec } }) => Object.values(spec).some((accumulator) => Object.values(accumulator)[0] === null),
    "missing values in $push and $addToSet": (here) => taken(here, "$push", "$addToSet").some(isMissing),
    "order of fields in $group and $addToSet": (here) => docKeys(here).some(hasFields) || taken(here, "$addToSet").some(hasFields),
    "lists, objects and characters in $min and $max": (here) => taken(here, "$min", "$max").some((value) => typeof value === "object" || isAstral(value)),
  },
  $project: {
    ...EXPRESSIONS,
    "null for a field in an object in $project": ({ spec }) => paths(spec).some(([path, value]) => value === null && path.includes(".")),
    "computed fields in lists": ({ spec, docs }) => crosses(docs, computed(spec), isList),
    "objects at dotted paths": ({ spec }) => Object.entries(spec).some(([path, value]) => path.includes(".") && isObject(value) && !isOperator(value)),
    ...SELECT_DIFFERENCES_OF_STAGES,
  },
  $unwind: {
    "dotted names in $unwind and $lookup": ({ spec }) => spec.includeArrayIndex?.includes("."),
    "empty strings and objects in $unwind": ({ spec, docs }) => valuesAt(docs, (spec.path ?? spec).slice(1)).some((value) => value === "" || (isObject(value) && Object.keys(value).length === 0)),
    "lists on the way of $unwind": ({ spec, docs }) => crosses(docs, [(spec.path ?? spec).slice(1)], isList),
  },
  $lookup: {
    "dotted names in $unwind and $lookup": ({ spec }) => spec.as.includes("."),
    "lists in localField": ({ spec, docs }) => valuesAt(docs, spec.localField).some(isList) || crosses(docs, [spec.localField], isList),
    "lists on the way of foreignField": ({ spec, tables }) => crosses(tables.other, [spec.foreignField], isList),
    "values that are twice in foreignField": ({ spec, tables }) => valuesAt(tables.other, spec.foreignField).some((value) => isList(value) && value.some((item, at) => value.some((other, before) => before < at && compare(item, other) === 0))),
    "order of fields in $lookup": ({ spec, docs, tables }) => valuesAt(docs, spec.localField).some(hasFields) && valuesAt(tables.other, spec.foreignField).some(hasFields),
  },
  $count: {
    "$count of nothing": ({ docs }) => docs.length === 0,
  },
};

const docKeys = ({ spec, docs }) => docs.map((doc) => evaluate(doc, spec._id));

/** One case for each difference, since random ones may show none of some. */
export const SHOWN = [
  { docs: [{ a: [5, 6] }], pipeline: [{ $group: { _id: "$a.0" } }] },
  { docs: [{ a: [[{ b: 1 }]] }], pipeline: [{ $group: { _id: "$a.b" } }] },
  { docs: [{}, { a: null }], pipeline: [{ $group: { _id: ["$a"] } }] },
  { docs: [{ a: 1 }], pipeline: [{ $group: { _id: 1, n: { $max: null } } }] },
  { docs: [{}], pipeline: [{ $group: { _id: 1, n: { $push: "$a" } } }] },
  { docs: [{ a: { b: 1, c: 2 } }, { a: { c: 2, b: 1 } }], pipeline: [{ $group: { _id: "$a" } }] },
  { docs: [{ a: { a: "x" } }, { a: { b: 1 } }], pipeline: [{ $group: { _id: 1, n: { $min: "$a" } } }] },
  { docs: [{}], pipeline: [{ $project: { a: { b: null } } }] },
  { docs: [{ a: [{}] }], pipeline: [{ $project: { "a.b": "$_id" } }] },
  { docs: [{ a: { b: 1 } }], pipeline: [{ $project: { "a.b": { c: "$$ROOT" } } }] },
  { docs: [{ a: [5] }], pipeline: [{ $project: { "a.0": 1 } }] },
  { docs: [{ a: [[{ b: 1, c: 2 }]] }], pipeline: [{ $project: { "a.b": 0 } }] },
  { docs: [{ a: [null] }], pipeline: [{ $project: { "a.b.c": 0 } }] },
  { docs: [{ a: 1, b: 2, _id: 3 }], pipeline: [{ $project: { _id: 1, a: 0 } }] },
  { docs: [{ a: [1] }], pipeline: [{ $unwind: { path: "$a", includeArrayIndex: "b.i" } }] },
  { docs: [{ a: "" }], pipeline: [{ $unwind: "$a" }] },
  { docs: [{ a: [{ b: 1 }] }], pipeline: [{ $unwind: "$a.b" }] },
  ...[
    [{ a: [1, 9] }, { b: 1 }, "a", "b"],
    [{}, { b: [{ c: 1 }, {}] }, "a", "b.c"],
    [{ a: 1 }, { b: [1, 1] }, "a", "b"],
    [{ a: { b: 1, c: 2 } }, { b: { c: 2, b: 1 } }, "a", "b"],
  ].map(([doc, other, localField, foreignField]) => ({ docs: [doc], tables: { other: [other] }, pipeline: [{ $lookup: { from: "other", localField, foreignField, as: "d" } }] })),
  { docs: [{}], pipeline: [{ $match: { a: 1 } }, { $count: "n" }] },
].map((one) => ({ tables: { other: [] }, ...one }));

const byKey = (rows) => rows.toSorted((a, b) => compare(a._id ?? null, b._id ?? null));

/** Groups and sets have no order in MongoDB. */
function inOurOrder(rows, spec) {
  const sets = Object.keys(spec).filter((name) => isObject(spec[name]) && "$addToSet" in spec[name]);
  const sorted = rows.map((row) => ({ ...row, ...Object.fromEntries(sets.map((name) => [name, row[name].toSorted(compare)])) }));
  return byKey(sorted);
}

/** What mingo itself makes of one stage. */
export function own(stage, rows, tables) {
  // mingo changes what it is given, and the model's rows share parts.
  const copy = (value) => JSON.parse(JSON.stringify(value));
  const options = { collectionResolver: (table) => copy(tables[table]) };
  const found = copy(new Aggregator([stage], options).run(copy(rows)));
  return stage.$group ? inOurOrder(found, stage.$group) : found;
}

/** What mingo makes of one stage, or where it is known to differ, what is right. */
function judged(find, stage, rows, tables, tally) {
  const [[name, spec]] = Object.entries(stage);
  if (name === "$match") return find({ docs: rows, where: spec });
  if (name === "$sort") return find({ docs: rows, where: {}, sort: spec });
  tally.asked += 1;
  const difference = Object.entries(DIFFERENCES[name] ?? {}).find(([, holds]) => holds({ spec, docs: rows, tables }))?.[0];
  if (difference === undefined) return own(stage, rows, tables);
  const right = after(rows, stage, tables);
  let given;
  try {
    given = own(stage, rows, tables);
  } catch {
    given = undefined;
  }
  tally.meet(difference, JSON.stringify(given) !== JSON.stringify(right));
  return right;
}

/** mingo, with the differences. */
export function stagewise(tally) {
  const find = mingo(tally);
  const shown = (rows) => JSON.stringify(inOneOrder(rows));
  return ({ docs, pipeline, tables }) => {
    let rows = docs;
    for (const stage of pipeline) {
      const given = judged(find, stage, rows, tables, tally);
      // It goes on with our order of fields, which says how values compare.
      rows = after(rows, stage, tables);
      if (shown(given) !== shown(rows)) return [{ stage, "mingo's answer": given }];
    }
    return rows;
  };
}
