// What queries mean, written down as plainly as possible: MongoDB's semantics, with dbcord's own operators.

const MISSING = Symbol("missing");

const kindOf = (value) => (value === null || value === MISSING ? "null" : Array.isArray(value) ? "array" : typeof value);
const RANKS = ["null", "number", "string", "object", "array", "boolean"];
const sign = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const points = (text) => Array.from(text, (c) => c.codePointAt(0));
const firstUnequal = (pairs) => pairs.find((order) => order !== 0) ?? 0;

/** The one order of all values. */
export function compare(a, b) {
  const [kind, other] = [kindOf(a), kindOf(b)];
  if (kind !== other) return sign(RANKS.indexOf(kind), RANKS.indexOf(other));
  switch (kind) {
    case "null":
      return 0;
    case "string":
      return compare(points(a), points(b));
    case "array":
      return firstUnequal([...a.slice(0, b.length).map((item, at) => compare(item, b[at])), sign(a.length, b.length)]);
    case "object": {
      const [fields, others] = [Object.entries(a), Object.entries(b)];
      const field = ([name, value], at) => {
        const [otherName, otherValue] = others[at];
        return firstUnequal([sign(RANKS.indexOf(kindOf(value)), RANKS.indexOf(kindOf(otherValue))), compare(name, otherName), compare(value, otherValue)]);
      };
      return firstUnequal([...fields.slice(0, others.length).map(field), sign(fields.length, others.length)]);
    }
    default:
      return sign(a, b);
  }
}

const isNumber = (name) => /^(0|[1-9]\d*)$/.test(name);

/** What a path leads to: `{value, opens}`, where `opens` says whether the items of a list may answer for it. */
export function follow(value, steps) {
  if (steps.length === 0) return [{ value, opens: true }];
  const [name, ...rest] = steps;
  if (kindOf(value) === "object") return Object.hasOwn(value, name) ? follow(value[name], rest) : [{ value: MISSING }];
  if (kindOf(value) !== "array") return [{ value: MISSING }];
  return value.flatMap((item, at) => {
    const found = kindOf(item) === "object" ? follow(item, steps) : [];
    if (name !== String(at)) return found;
    if (rest.length === 0) return [...found, { value: item, opens: false }];
    return ["object", "array"].includes(kindOf(item)) ? [...found, ...follow(item, rest)] : found;
  });
}

/** The same from an item of a list, which is a document although it may be a list. */
function followFrom(document, steps) {
  if (kindOf(document) !== "array") return follow(document, steps);
  const [name, ...rest] = steps;
  return isNumber(name) && Number(name) < document.length ? follow(document[Number(name)], rest) : [{ value: MISSING }];
}

const inKind = (a, b, holds) => kindOf(a) === kindOf(b) && holds(compare(a, b));
const equal = (a, b) => compare(a, b) === 0;
const TYPES = { str: "string", list: "array", dict: "object", bool: "boolean" };
const isOfType = (value, name) => {
  if (value === MISSING) return false;
  if (name === "int") return Number.isInteger(value);
  if (name === "float" || name === "double") return typeof value === "number" && !Number.isInteger(value);
  return kindOf(value) === (TYPES[name] ?? name);
};

/** Of a value, or of an item of a list. */
const OF_ITEMS = {
  $eq: (value, operand) => equal(value, operand),
  $gt: (value, operand) => inKind(value, operand, (order) => order > 0),
  $gte: (value, operand) => inKind(value, operand, (order) => order >= 0),
  $lt: (value, operand) => inKind(value, operand, (order) => order < 0),
  $lte: (value, operand) => inKind(value, operand, (order) => order <= 0),
  $in: (value, operand) => operand.some((one) => equal(value, one)),
  $type: (value, operand) => [operand].flat().some((name) => isOfType(value, name)),
  $prefix: (value, operand) => typeof value === "string" && value.startsWith(operand),
  $regex: (value, operand, { $options = "" }) => typeof value === "string" && new RegExp(operand, `${$options}u`).test(value),
};

/** Of a value as it is. */
const OF_WHOLE = {
  $exists: (value) => value !== MISSING,
  $size: (value, operand) => kindOf(value) === "array" && value.length === operand,
  $contains: (value, operand) =>
    kindOf(value) === "array" ? value.some((item) => equal(item, operand)) : typeof value === "string" && typeof operand === "string" && value.includes(operand),
  $elemMatch: (value, operand) => kindOf(value) === "array" && value.some(element(operand)),
};

/** Operators that are made of others. `ask` asks the same of the same values. */
const OF_OTHERS = {
  $ne: (operand, ask) => !ask({ $eq: operand }),
  $nin: (operand, ask) => !ask({ $in: operand }),
  $not: (operand, ask) => !ask(operand),
  $all: (operand, ask) => operand.length > 0 && operand.every((one) => ask(Object.keys(Object(one))[0] === "$elemMatch" ? one : { $eq: one })),
  $options: () => true,
};

function everyOperator(operators, asked) {
  return Object.entries(operators).every(([name, operand]) => {
    if (name === "$exists" && !operand) return !asked("$exists", true, operators);
    if (OF_OTHERS[name]) return OF_OTHERS[name](operand, (others) => everyOperator(others, asked));
    return asked(name, operand, operators);
  });
}

/** Whether what a path leads to fulfils operators. */
export function field(document, path, operators) {
  const found = followFrom(document, path.split("."));
  return everyOperator(operators, (name, operand, siblings) =>
    found.some(({ value, opens }) => {
      if (OF_WHOLE[name]) return OF_WHOLE[name](value, operand);
      const values = opens && kindOf(value) === "array" ? [...value, value] : [value];
      return values.some((one) => OF_ITEMS[name](one, operand, siblings));
    }),
  );
}

const CONNECTIVES = ["$and", "$or", "$nor", "$text"];

function element(operand) {
  const [first] = Object.keys(operand);
  if (first?.startsWith("$") && !CONNECTIVES.includes(first)) {
    return (item) => everyOperator(operand, (name, one, siblings) => (OF_WHOLE[name] ?? OF_ITEMS[name])(item, one, siblings));
  }
  return (item) => ["object", "array"].includes(kindOf(item)) && matches(item, operand);
}

export const hasOperators = (value) => kindOf(value) === "object" && Object.keys(value).some((name) => name.startsWith("$"));

/** Whether a document fulfils a query. */
export function matches(document, query) {
  return Object.entries(query).every(([name, operand]) => {
    if (name === "$and") return operand.every((one) => matches(document, one));
    if (name === "$or") return operand.some((one) => matches(document, one));
    if (name === "$nor") return !operand.some((one) => matches(document, one));
    if (name === "$text") return text(document, operand);
    return field(document, name, hasOperators(operand) ? operand : { $eq: operand });
  });
}

const wordsOf = (string) => (string.match(/[\p{Alphabetic}\p{N}]+/gu) ?? []).map((word) => word.toLowerCase());
const stringsOf = (value) => (typeof value === "string" ? [value] : typeof value === "object" && value !== null ? Object.values(value).flatMap(stringsOf) : []);

function text(document, search) {
  const terms = Array.from(search.matchAll(/(-?)(?:"([^"]*)"|([^\s"]+))/g), ([, dash, phrase, word]) => ({ dash, phrase, words: wordsOf(phrase ?? word) }));
  const texts = stringsOf(document).map((string) => ` ${wordsOf(string).join(" ")} `);
  const has = (words) => texts.some((one) => one.includes(` ${words.join(" ")} `));
  const wanted = terms.filter(({ dash, words }) => !dash && words.length > 0);
  const phrases = wanted.filter(({ phrase }) => phrase !== undefined);
  if (terms.some(({ dash, words }) => dash && words.length > 0 && has(words))) return false;
  if (phrases.length > 0) return phrases.every(({ words }) => has(words));
  return wanted.some(({ words }) => words.some((word) => has([word])));
}

const EMPTY = Symbol("empty list");

/** What a row is sorted by under a path: each item of a list. */
export function keys(value, steps) {
  const kind = kindOf(value);
  if (steps.length === 0) return kind !== "array" ? [value] : value.length === 0 ? [EMPTY] : value;
  const [name, ...rest] = steps;
  if (kind === "object") return Object.hasOwn(value, name) ? keys(value[name], rest) : [null];
  if (kind !== "array" || value.length === 0) return [null];
  if (isNumber(name)) return Number(name) < value.length ? keys(value[Number(name)], rest) : [null];
  return value.flatMap((item) => (kindOf(item) === "object" ? keys(item, steps) : [null]));
}

export function sorted(documents, sort) {
  const compareKeys = (a, b) => (a === EMPTY || b === EMPTY ? Number(b === EMPTY) - Number(a === EMPTY) : compare(a, b));
  const key = (document, path, direction) => keys(document, path.split(".")).reduce((a, b) => (direction * compareKeys(a, b) <= 0 ? a : b));
  const fields = Object.entries(sort);
  return documents.toSorted((a, b) => firstUnequal(fields.map(([path, direction]) => direction * compareKeys(key(a, path, direction), key(b, path, direction)))));
}

export function selected(document, select) {
  const { _id: own, ...others } = select;
  const keeps = Boolean(Object.values(others)[0] ?? own ?? 0);
  const paths = Object.keys(others);
  if (keeps ? own !== 0 : own === 0) paths.push("_id");
  if (paths.length === 0) return document;
  const show = (value, inner) => {
    if (Array.isArray(value)) return value.filter((item) => !keeps || typeof item === "object" && item !== null).map((item) => show(item, inner));
    if (kindOf(value) !== "object") return value;
    const shown = Object.entries(value).flatMap(([name, field]) => {
      const below = inner.filter((path) => path[0] === name).map((path) => path.slice(1));
      if (below.length === 0) return keeps ? [] : [[name, field]];
      if (below.some((path) => path.length === 0)) return keeps ? [[name, field]] : [];
      return keeps && (typeof field !== "object" || field === null) ? [] : [[name, show(field, below)]];
    });
    return Object.fromEntries(shown);
  };
  return show(document, paths.map((path) => path.split(".")));
}

/** The answer to a case. */
export function answer({ docs, where, sort, select, skip = 0, limit = Infinity }) {
  let found = docs.filter((document) => matches(document, where));
  if (sort) found = sorted(found, sort);
  found = found.slice(skip, skip + limit);
  return select ? found.map((document) => selected(document, select)) : found;
}
