// What the stages of a pipeline mean, written down as plainly as possible: MongoDB's semantics, one stage at a time.
import { compare, follow, matches, sorted } from "./model.mjs";

const MISSING = Symbol("missing");
/** What a projection leaves nothing of: it keeps its place until fields are computed. */
const NOTHING = Symbol("nothing");

const isList = Array.isArray;
const isObject = (value) => typeof value === "object" && value !== null && !isList(value);
const isNumber = (value) => typeof value === "number";
const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : MISSING);
const fields = (entries) => Object.fromEntries(entries.filter(([, value]) => value !== MISSING && value !== NOTHING));

/** The value of an expression. */
export function evaluate(row, expression) {
  if (isList(expression)) return expression.map((item) => orNull(evaluate(row, item)));
  if (isObject(expression)) {
    if (Object.hasOwn(expression, "$literal")) return expression.$literal;
    return fields(Object.entries(expression).map(([name, value]) => [name, evaluate(row, value)]));
  }
  if (expression === "$$ROOT") return row;
  if (typeof expression === "string" && expression.startsWith("$")) return field(row, expression.slice(1).split("."));
  return expression;
}

function field(value, [name, ...rest]) {
  if (name === undefined) return value;
  if (isObject(value)) return field(own(value, name), rest);
  if (!isList(value)) return MISSING;
  return value.filter(isObject).map((item) => field(item, [name, ...rest])).filter((found) => found !== MISSING);
}

const orNull = (value) => (value === MISSING ? null : value);
const best = (values, sign) => orNull(values.reduce((a, b) => (a === MISSING || sign * compare(b, a) < 0 ? b : a), MISSING));
const sum = (values) => values.reduce((a, b) => a + b, 0);
const each = (values) => values.reduce((known, value) => (known.some((other) => compare(other, value) === 0) ? known : [...known, value]), []);

const ACCUMULATORS = {
  $sum: (values) => sum(values.filter(isNumber)),
  $avg: (values) => (values.some(isNumber) ? sum(values.filter(isNumber)) / values.filter(isNumber).length : null),
  $min: (values) => best(values.filter((value) => value !== null && value !== MISSING), 1),
  $max: (values) => best(values.filter((value) => value !== null && value !== MISSING), -1),
  $count: (values) => values.length,
  $push: (values) => values.filter((value) => value !== MISSING),
  $addToSet: (values) => each(values.filter((value) => value !== MISSING)).sort(compare),
  $first: (values) => orNull(values[0]),
  $last: (values) => orNull(values.at(-1)),
};

function group(docs, { _id: key, ...spec }) {
  const groups = [];
  for (const row of docs) {
    const _id = orNull(evaluate(row, key));
    const known = groups.find((group) => compare(group._id, _id) === 0);
    if (known) known.rows.push(row);
    else groups.push({ _id, rows: [row] });
  }
  groups.sort((a, b) => compare(a._id, b._id));
  return groups.map(({ _id, rows }) => {
    const made = Object.entries(spec).map(([name, accumulator]) => {
      const [[operator, of]] = Object.entries(accumulator);
      return [name, ACCUMULATORS[operator](rows.map((row) => evaluate(row, of)))];
    });
    return { _id, ...Object.fromEntries(made) };
  });
}

/** A projection as a tree: `true`, `false`, `{compute}` or a Map of these. */
function treeOf(spec, tree = new Map()) {
  for (const [path, value] of Object.entries(spec)) {
    const names = path.split(".");
    const last = names.pop();
    const inner = names.reduce((node, name) => node.get(name) ?? node.set(name, new Map()).get(name), tree);
    if (value === true || value === 1) inner.set(last, true);
    else if (value === false || value === 0) inner.set(last, false);
    else if (isObject(value) && !Object.keys(value)[0].startsWith("$")) inner.set(last, treeOf(value, inner.get(last)));
    else inner.set(last, { compute: value });
  }
  return tree;
}

const isTree = (node) => node instanceof Map;
const computes = (node) => (isTree(node) ? [...node.values()].some(computes) : node.compute !== undefined);
const leaves = (node) => (isTree(node) ? [...node.values()].some(leaves) : node === false);

/** First, fields are kept. */
function keep(value, node) {
  if (isList(value)) return value.map((item) => keep(item, node));
  if (!isObject(value)) return NOTHING;
  const kept = Object.entries(value).filter(([name]) => node.get(name) === true || isTree(node.get(name)));
  return Object.fromEntries(kept.map(([name, field]) => [name, isTree(node.get(name)) ? keep(field, node.get(name)) : field]));
}

/** Then, others are computed into what was kept. */
function compute(row, value, node) {
  if (!computes(node)) return value;
  if (isList(value)) return value.map((item) => compute(row, item, node));
  const made = isObject(value) ? { ...value } : {};
  for (const [name, inner] of node) {
    if (isTree(inner) && computes(inner)) made[name] = compute(row, own(made, name), inner);
    else if (!isTree(inner) && inner.compute !== undefined) made[name] = evaluate(row, inner.compute);
  }
  return made;
}

function clean(value) {
  if (isList(value)) return value.filter((item) => item !== NOTHING).map(clean);
  return isObject(value) ? fields(Object.entries(value).map(([name, inner]) => [name, clean(inner)])) : value;
}

function leaveOut(value, node) {
  if (isList(value)) return value.map((item) => leaveOut(item, node));
  if (!isObject(value)) return value;
  return fields(Object.entries(value).map(([name, inner]) => {
    const below = node.get(name);
    return [name, below === false ? MISSING : isTree(below) ? leaveOut(inner, below) : inner];
  }));
}

function project(docs, spec) {
  const tree = treeOf(spec);
  const others = [...tree].filter(([name]) => name !== "_id").map(([, node]) => node);
  if (leaves(others[0] ?? tree.get("_id"))) return docs.map((row) => leaveOut(row, tree));
  if (!tree.has("_id")) tree.set("_id", true);
  return docs.map((row) => clean(compute(row, keep(row, tree), tree)));
}

/** An object with a value at a path, or without what is there. */
function put(object, [name, ...rest], value) {
  const made = isObject(object) ? { ...object } : {};
  made[name] = rest.length > 0 ? put(own(made, name), rest, value) : value;
  return fields(Object.entries(made));
}

function unwind(docs, spec) {
  const { path, includeArrayIndex: index, preserveNullAndEmptyArrays: keepsEmpty = false } = typeof spec === "string" ? { path: spec } : spec;
  const names = path.slice(1).split(".");
  const numbered = (row, number) => (index ? put(row, index.split("."), number) : row);
  return docs.flatMap((row) => {
    const value = names.reduce((inner, name) => (isObject(inner) ? own(inner, name) : MISSING), row);
    if (isList(value) && value.length > 0) return value.map((item, at) => numbered(put(row, names, item), at));
    if (isList(value)) return keepsEmpty ? [numbered(put(row, names, MISSING), null)] : [];
    return keepsEmpty || (value !== null && value !== MISSING) ? [numbered(row, null)] : [];
  });
}

function lookup(docs, { from, localField, foreignField, as }, tables) {
  return docs.map((row) => {
    const found = follow(row, localField.split(".")).map(({ value }) => value).filter((value) => typeof value !== "symbol").flat();
    const where = { [foreignField]: { $in: found.length > 0 ? found : [null] } };
    return put(row, as.split("."), tables[from].filter((other) => matches(other, where)));
  });
}

const STAGES = {
  $match: (docs, where) => docs.filter((row) => matches(row, where)),
  $group: group,
  $sort: sorted,
  $limit: (docs, limit) => docs.slice(0, limit),
  $skip: (docs, skip) => docs.slice(skip),
  $project: project,
  $unwind: unwind,
  $lookup: lookup,
  $count: (docs, name) => (docs.length > 0 ? [{ [name]: docs.length }] : []),
};

/** What comes out of one stage. */
export function after(docs, stage, tables) {
  const [[name, spec]] = Object.entries(stage);
  return STAGES[name](docs, spec, tables);
}

/** What comes out of all of them. */
export const aggregate = ({ docs, pipeline, tables }) => pipeline.reduce((rows, stage) => after(rows, stage, tables), docs);
