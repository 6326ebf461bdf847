// The same cases answered by mingo, an independent implementation of MongoDB's semantics. Where it is known to differ
// from MongoDB, or where dbcord means to, a difference is named here with the inputs that it shows on, and what is
// right there is asked of the model. docs/queries.md lists all of them.
import { Context } from "mingo";
import * as operators from "mingo/operators/query";
import { Query } from "mingo/query";
import { field, follow, selected, sorted } from "./model.mjs";

const isList = Array.isArray;
const isComposite = (value) => typeof value === "object" && value !== null;
const isObject = (value) => isComposite(value) && !isList(value);
const hasLists = (value) => isList(value) && value.some(isList);
const hasFields = (value) => isObject(value) && Object.keys(value).length > 1;
const isNil = (value) => value === null || typeof value === "symbol";
const some = (value, holds) => holds(value) || (isComposite(value) && Object.values(value).some((inner) => some(inner, holds)));
const isAstral = (value) => typeof value === "string" && /[\u{10000}-\u{10ffff}]/u.test(value);
const RANGES = ["$gt", "$gte", "$lt", "$lte"];

/**
 * Differences in one operator on one field of one document. `found` are the values that MongoDB's path leads to,
 * `through` says whether it leads through a list.
 */
export const DIFFERENCES = {
  "dbcord's own operators": ({ name }) => ["$contains", "$prefix"].includes(name),
  "dbcord's own names of types": ({ name, operand }) => name === "$type" && [operand].flat().some((type) => ["str", "float", "list", "dict"].includes(type)),
  // MongoDB has types of numbers, JavaScript one; dbcord has two, and tells them apart by how they are written.
  "numbers with a fraction": ({ name, operand }) => name === "$type" && [operand].flat().includes("double"),
  // Paths through lists: mingo collects one list of what it finds, without what is missing.
  "paths through lists": ({ name, operand, found, through }) =>
    through && (!["$eq", "$ne", "$in", "$nin", "$regex", ...RANGES].includes(name) || found.some(isList) || some(operand, (value) => isNil(value) || isList(value))),
  "numbers in paths": ({ path, through }) => through && /\.\d/.test(path),
  // MongoDB looks at the items of a list, not at the items of those.
  "lists in lists": ({ name, found, onTheWay }) =>
    onTheWay.some(hasLists) || (!["$size", "$exists"].includes(name) && found.some(hasLists)),
  // Equal objects have equal fields in the same order.
  "order of fields": ({ name, operand, found }) =>
    ["$eq", "$ne", "$in", "$nin", "$all"].includes(name) && [operand, found].every((values) => some(values, hasFields)),
  "lists and objects in ranges": ({ name, operand, found }) =>
    RANGES.includes(name) && isComposite(operand) && found.some(isComposite),
  "null in ranges": ({ name, operand }) => RANGES.includes(name) && operand === null,
  "whole lists in $in": ({ name, operand, found }) => ["$in", "$nin"].includes(name) && found.some(isList) && operand.some(isList),
  "$all of one value, or of whole lists": ({ name, operand, found }) => name === "$all" && (!found.some(isList) || operand.some(isList)),
  "$type of items": ({ name, found }) => name === "$type" && found.some(isList),
  // mingo takes a number or a string for a document with any field.
  "$elemMatch on items without fields": ({ name, operand, found }) =>
    ["$elemMatch", "$all"].includes(name) && some(operand, isObject) && found.some((value) => isList(value) && value.some((item) => !isObject(item))),
  // Code points, not UTF-16 code units.
  "order of characters beyond U+FFFF": ({ name, operand, found }) => RANGES.includes(name) && (isAstral(operand) || some(found, isAstral)),
};

/** Differences in what is done with a whole case. */
export const SORT_DIFFERENCES = {
  // A list counts as its least item upwards, as its greatest downwards.
  "lists in sort": ({ sort, docs }) => paths(sort, docs, ({ found, through }) => through || found.some(isList)),
  "objects in sort": ({ sort, docs }) => paths(sort, docs, ({ found }) => found.some(isObject)),
  "order of characters beyond U+FFFF in sort": ({ sort, docs }) => paths(sort, docs, ({ found }) => found.some(isAstral)),
};
export const SELECT_DIFFERENCES = {
  "selection through lists in lists": ({ select, docs }) => some(docs, (value) => isList(value) && value.some(isList)) && paths(select, docs, ({ through }) => through),
  "null in lists that fields are left out of": ({ select, docs }) => paths(select, docs, ({ onTheWay }) => onTheWay.some((value) => isList(value) && value.includes(null))),
  // What is left out is named; the key field may be named as kept beside it.
  "keys named beside what is left out": ({ select }) => select._id === 1 && Object.values(select).includes(0),
  "numbers in selections": ({ select }) => Object.keys(select).some((path) => /\.\d/.test(path)),
};

const paths = (spec, docs, holds) => docs.some((doc) => Object.keys(spec).some((path) => holds(situation(doc, path))));

function situation(document, path) {
  const steps = path.split(".");
  const found = follow(document, steps).map(({ value }) => value);
  const onTheWay = steps.slice(1).flatMap((_, at) => follow(document, steps.slice(0, at + 1)).map(({ value }) => value));
  return { path, found, onTheWay, through: onTheWay.some(isList) };
}

/** How often each difference was met, and how often it made a difference. */
export class Tally {
  constructor() {
    this.asked = 0;
    this.met = new Map();
    this.mattered = new Map();
  }

  meet(name, matters) {
    this.met.set(name, (this.met.get(name) ?? 0) + 1);
    if (matters) this.mattered.set(name, (this.mattered.get(name) ?? 0) + 1);
  }
}

/** mingo, with the differences. */
export function mingo(tally) {
  const wrapped = {};
  for (const [name, operator] of Object.entries(operators)) {
    const isWrapped = name.startsWith("$") && !["$and", "$or", "$nor", "$not"].includes(name);
    wrapped[name] = isWrapped ? wrap(name, operator, tally) : operator;
  }
  for (const name of ["$contains", "$prefix"]) wrapped[name] = wrap(name, () => () => false, tally);
  const context = Context.init({ query: wrapped });

  return ({ docs, where, sort, select, skip = 0, limit = Infinity }) => {
    const query = new Query(prepared(where), { context });
    let found = docs.filter((document) => query.test(document));
    if (sort) found = bySort(found, sort, tally);
    found = found.slice(skip, skip + limit);
    return select ? bySelect(found, select, tally) : found;
  };
}

function wrap(name, operator, tally) {
  return (path, operand, options) => {
    const own = operator(path, operand, options);
    const asked = given({ [name]: operand });
    return (document) => {
      tally.asked += 1;
      const here = { name, operand, ...situation(document, path) };
      const difference = Object.keys(DIFFERENCES).find((difference) => DIFFERENCES[difference](here));
      if (!difference) return own(document);
      const right = field(document, path, asked);
      tally.meet(difference, right !== own(document));
      return right;
    };
  };
}

/** mingo takes an object for operators when any of its names begins with $; patterns get the flag for Unicode. */
function prepared(query) {
  if (isList(query)) return query.map(prepared);
  if (!isObject(query)) return query;
  const { $regex, $options = "", ...others } = query;
  const inner = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, prepared(value)]));
  return $regex === undefined ? inner : { $regex: new RegExp($regex, `${$options}u`), ...inner };
}

/** The opposite of `prepared`. */
function given(query) {
  if (isList(query)) return query.map(given);
  if (!isObject(query)) return query;
  const { $regex, ...others } = query;
  const inner = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, given(value)]));
  return $regex === undefined ? inner : { $regex: $regex.source, $options: $regex.flags.replace("u", ""), ...inner };
}

function bySort(found, sort, tally) {
  const own = () => new Query({}, { context: Context.init({}) }).find(found).sort(sort).all();
  return decide(SORT_DIFFERENCES, { sort, docs: found }, tally, own, () => sorted(found, sort));
}

function bySelect(found, select, tally) {
  const own = () => new Query({}, { context: Context.init({}) }).find(structuredClone(found), select).all();
  return decide(SELECT_DIFFERENCES, { select, docs: found }, tally, own, () => found.map((document) => selected(document, select)));
}

function decide(differences, situation, tally, own, right) {
  tally.asked += 1;
  const difference = Object.keys(differences).find((name) => differences[name](situation));
  if (!difference) return own();
  const answer = right();
  let given;
  try {
    given = own();
  } catch {
    given = undefined;
  }
  tally.meet(difference, JSON.stringify(given) !== JSON.stringify(answer));
  return answer;
}

/** Fields by name: mingo has its own order of selected fields, and the model has ours. */
export function inOneOrder(value) {
  if (Array.isArray(value)) return value.map(inOneOrder);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, inOneOrder(value[name])]));
}
