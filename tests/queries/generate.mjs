// Random documents and queries, the same for the same seed. Names and values are few, so that queries find something.

/** Numbers from 0 to 1 (mulberry32). */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

const NAMES = ["a", "b", "c"];
const STRINGS = ["", "a", "ab", "b", "B", "é", 'a"b', "a\\", "\n", "red fox", "Red-wine, é", "the fox", "\u{ffff}", "\u{1f600}"];
const PATHS = ["a", "b", "c", "a", "b", "a.b", "a.c", "b.a", "a.b.c", "c.a.b", "a.0", "b.1", "a.0.b", "a.b.0", "a.b.1.c", "_id", "d"];
const WORDS = ["red", "FOX", "é", "the", "wine", "b", "ab"];
const PATTERNS = ["^a", "b$", "a.b", "[ab]+", "fox|wine", "^$", "^.$"];
const TYPES = ["str", "int", "float", "bool", "list", "dict", "null", "number", "string", "double", "object", "array"];

export class Generator {
  constructor(seed) {
    this.random = random(seed);
  }

  below(limit) {
    return Math.floor(this.random() * limit);
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  chance(probability) {
    return this.random() < probability;
  }

  list(limit, make) {
    return Array.from({ length: this.below(limit + 1) }, make);
  }

  scalar() {
    const kind = this.below(10);
    if (kind < 5) return this.chance(0.25) ? this.pick([0.5, -1.5, 2.5]) : this.below(5) - 1;
    if (kind < 8) return this.pick(STRINGS);
    return kind === 8 ? null : this.chance(0.5);
  }

  value(depth = 3) {
    if (depth === 0 || this.chance(0.45)) return this.scalar();
    if (this.chance(0.5)) return this.list(3, () => this.value(depth - 1));
    return this.object(depth - 1);
  }

  object(depth) {
    const object = {};
    for (let fields = 1 + this.below(4); fields > 0; fields--) object[this.chance(0.05) ? "0" : this.pick(NAMES)] = this.value(depth);
    return object;
  }

  documents() {
    return Array.from({ length: 6 + this.below(20) }, (_, at) => {
      const { _id, ...fields } = this.object(3);
      return this.chance(0.5) ? { _id: at, ...fields } : { ...fields, _id: at };
    });
  }

  /** A value to compare with: often one that is there, or an item of it. */
  operand({ documents, path }) {
    if (this.chance(0.3)) return this.value(2);
    const names = path ? path.split(".") : [];
    let value = this.pick(documents);
    while (typeof value === "object" && value !== null && (names.length > 0 || this.chance(0.4))) {
      const inner = Array.isArray(value) && !(names[0] in value) ? this.pick(value) : names.length > 0 ? value[names.shift()] : this.pick(Object.values(value));
      if (inner === undefined) break;
      value = inner;
    }
    return value;
  }

  operator(here, depth) {
    const name = this.pick([
      ...["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$gt", "$lt", "$in", "$nin", "$exists", "$contains", "$prefix"],
      ...["$regex", "$size", "$all", "$type", "$elemMatch", "$elemMatch", "$not"],
    ]);
    switch (name) {
      case "$in":
      case "$nin":
        return { [name]: this.list(4, () => this.operand(here)) };
      case "$all":
        if (this.chance(0.3)) return { $all: [this.element(here, depth), this.element(here, depth)].map((element) => ({ $elemMatch: element })) };
        return { $all: this.list(2, () => this.operand(here)) };
      case "$exists":
        return { $exists: this.chance(0.5) };
      case "$prefix":
        return { $prefix: this.pick(STRINGS) };
      case "$regex":
        return this.chance(0.5) ? { $regex: this.pick(PATTERNS) } : { $regex: this.pick(PATTERNS), $options: this.pick(["i", "m", "s", "is"]) };
      case "$size":
        return { $size: this.below(4) };
      case "$type":
        return { $type: this.chance(0.7) ? this.pick(TYPES) : [this.pick(TYPES), this.pick(TYPES)] };
      case "$elemMatch":
        return { $elemMatch: this.element(here, depth) };
      case "$not":
        return { $not: this.operators(here, depth - 1) };
      default:
        return { [name]: this.operand(here) };
    }
  }

  operators(here, depth) {
    if (depth <= 0) return { [this.pick(["$eq", "$gt", "$lte"])]: this.operand(here) };
    return Object.assign({}, ...Array.from({ length: this.chance(0.2) ? 2 : 1 }, () => this.operator(here, depth)));
  }

  element(here, depth) {
    return this.chance(0.5) ? this.operators({ documents: here.documents }, depth - 1) : this.where(here.documents, depth - 1, { isWhole: false });
  }

  text() {
    const terms = [this.pick(WORDS), ...this.list(2, () => this.pick(["", "-"]) + this.pick([...WORDS, '"red fox"', '"é"', '"fox the"']))];
    return terms.join(" ");
  }

  where(documents, depth = 3, { isWhole = true, hasText = false } = {}) {
    const query = {};
    for (let conditions = this.chance(0.2) ? 2 : 1; conditions > 0; conditions--) {
      if (depth > 0 && this.chance(0.2)) {
        const inner = () => this.where(documents, depth - 1, { isWhole, hasText });
        query[this.pick(["$and", "$or", "$nor"])] = [inner(), ...this.list(2, inner)];
      } else if (hasText && isWhole && this.chance(0.3)) {
        query.$text = this.text();
      } else {
        const path = this.pick(PATHS);
        const here = { documents, path };
        query[path] = this.chance(0.3) ? this.operand(here) : this.operators(here, depth);
      }
    }
    return query;
  }

  sort() {
    return Object.fromEntries(Array.from({ length: 1 + this.below(2) }, () => [this.pick(PATHS), this.pick([1, -1])]));
  }

  select() {
    const keeps = this.chance(0.5);
    const paths = [];
    for (const path of Array.from({ length: 1 + this.below(3) }, () => this.pick(PATHS))) {
      const overlaps = (other) => `${other}.`.startsWith(`${path}.`) || `${path}.`.startsWith(`${other}.`);
      if (!paths.some(overlaps)) paths.push(path);
    }
    return Object.fromEntries(paths.map((path) => [path, path === "_id" && this.chance(0.5) ? 1 - Number(keeps) : Number(keeps)]));
  }

  case(options) {
    const docs = this.documents();
    const made = { docs, where: this.where(docs, 3, options) };
    if (this.chance(0.4)) made.sort = this.sort();
    if (this.chance(0.3)) made.select = this.select();
    if (this.chance(0.1)) made.skip = this.below(3);
    if (this.chance(0.3)) made.limit = this.below(8);
    return made;
  }
}
