// Random schemas and values, from a seed: small alphabets, so that values fit about as often as not.

/** A pseudo-random number generator (splitmix32). */
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }
  next() {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    let z = this.state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) >>> 0;
  }
  below(n) {
    return this.next() % n;
  }
  chance(percent) {
    return this.below(100) < percent;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  /** Up to `most` different ones. */
  some(list, most) {
    return [...new Set(Array.from({ length: 1 + this.below(most) }, () => this.pick(list)))];
  }
  list(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }
}

const NAMES = ["a", "b", "c", "ab", "ä"];
const TEXTS = ["", "a", "b", "ab", "abc", "ä", "🦀", "🦀🦀", "A1", "a b", "a\nb", "\u00a0", "2026-01-31", "2024-02-30", "2026-01-31T12:00:00Z", "12:00:00Z", "a@b.c", "192.0.2.1", "::1", "https://a.b/c", "123e4567-e89b-12d3-a456-426614174000"];
const NUMBERS = [0, 1, 2, 3, 4, 5, -1, -2, 0.5, 1.5, -0.5, 2.25, 100, 1e10, 4294967296, 1e15];
const PATTERNS = ["^a", "b$", "^[a-c]+$", "^.$", "^..$", "\\d", "^\\w+$", "^\\S+$", "\\s", "^[^a]*$", "^(a|b)*$", "a{1,2}", "^\\u{1f980}+$", "[\\w-]", "^(?:ab?)?$", "^[^\\s\\d]*$", "\\bb", "[🦀ä]", "^.\\n.$", "^a.b$", "[\\u0000-\\u0060]", "\\/|\\."];
const FORMATS = ["date", "date-time", "time", "email", "uuid", "uri", "ipv4", "ipv6"];
const TYPES = ["string", "integer", "number", "boolean", "array", "object", "null"];
/** How the schemas are written for dbcord, which understands both. */
const SHORT = { string: "str", integer: "int", number: "float", boolean: "bool", array: "list", object: "dict" };

export function value(random, depth = 3) {
  const kind = random.below(depth > 0 ? 10 : 6);
  if (kind < 2) return random.pick(TEXTS);
  if (kind < 4) return random.pick(NUMBERS);
  if (kind === 4) return random.chance(50);
  if (kind === 5) return null;
  if (kind < 8) return fields(random, (name) => value(random, depth - 1));
  return random.list(4, () => value(random, depth - 1));
}

function fields(random, make, names = NAMES) {
  return Object.fromEntries(random.list(4, () => random.pick(names)).map((name) => [name, make(name)]));
}

/** JSON text, its whole numbers now and then written with a fraction or an exponent. */
export function text(random, value) {
  if (typeof value === "number" && Number.isSafeInteger(value) && random.chance(20)) return `${value}${random.pick([".0", "e0", ".00"])}`;
  if (Array.isArray(value)) return `[${value.map((item) => text(random, item)).join(",")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value)
      .map(([name, field]) => `${JSON.stringify(name)}:${text(random, field)}`)
      .join(",")}}`;
  }
  return JSON.stringify(value);
}

/** A schema in JSON Schema's own words. */
export function schema(random) {
  const made = subschema(random, 3, 0);
  if (typeof made === "boolean") return made;
  // Each may refer to later ones on the same value, and to all of them further inside.
  const defs = Array.from({ length: DEFINITIONS }, (_, index) => subschema(random, 2, index + 1));
  made.$defs = Object.fromEntries(defs.map((def, index) => [`d${index + 1}`, def]));
  return made;
}

const DEFINITIONS = 3;

const KEYWORDS = {
  type: (r) => (r.chance(70) ? r.pick(TYPES) : r.some(TYPES, 3)),
  enum: (r) => [value(r, 2), ...r.list(3, () => value(r, 2))],
  const: (r) => value(r, 2),
  multipleOf: (r) => r.pick([1, 2, 3, 0.5, 0.25, 1.5]),
  minimum: (r) => r.pick(NUMBERS),
  maximum: (r) => r.pick(NUMBERS),
  exclusiveMinimum: (r) => r.pick(NUMBERS),
  exclusiveMaximum: (r) => r.pick(NUMBERS),
  minLength: (r) => r.below(3),
  maxLength: (r) => r.below(4),
  pattern: (r) => r.pick(PATTERNS),
  format: (r) => r.pick(FORMATS),
  items: (r, inside) => inside(),
  prefixItems: (r, inside) => [inside(), ...r.list(1, inside)],
  contains: (r, inside) => inside(),
  minContains: (r) => r.below(3),
  maxContains: (r) => r.below(3),
  minItems: (r) => r.below(3),
  maxItems: (r) => r.below(4),
  uniqueItems: (r) => r.chance(80),
  properties: (r, inside) => fields(r, inside),
  patternProperties: (r, inside) => ({ [r.pick(PATTERNS)]: inside() }),
  additionalProperties: (r, inside) => (r.chance(40) ? false : inside()),
  propertyNames: (r, inside) => inside(),
  required: (r) => r.some(NAMES, 2),
  dependentRequired: (r) => fields(r, () => r.some(NAMES, 2)),
  dependentSchemas: (r, inside, here) => fields(r, here),
  minProperties: (r) => r.below(3),
  maxProperties: (r) => r.below(4),
  allOf: (r, inside, here) => [here(), ...r.list(1, here)],
  anyOf: (r, inside, here) => [here(), ...r.list(2, here)],
  oneOf: (r, inside, here) => [here(), ...r.list(2, here)],
  not: (r, inside, here) => here(),
  if: (r, inside, here) => here(),
  then: (r, inside, here) => here(),
  else: (r, inside, here) => here(),
  $ref: (r, inside, here, level) => `#/$defs/d${level + 1 + r.below(DEFINITIONS - level)}`,
};

/** Keywords that only mean something beside each other, or something else. */
const COMPANIONS = {
  additionalProperties: ["properties", "patternProperties"],
  patternProperties: ["properties", "additionalProperties"],
  properties: ["required", "additionalProperties"],
  items: ["prefixItems"],
  contains: ["minContains", "maxContains"],
  if: ["then", "else"],
};

/** `level` is that of the definition around it: references on the same value go to higher ones only. */
function subschema(random, depth, level, isInside = false) {
  if (random.chance(8)) return random.chance(70);
  const made = {};
  const inside = () => subschema(random, depth - 1, level, true);
  const here = () => subschema(random, depth - 1, level, isInside);
  const simple = ["type", "enum", "const", "multipleOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems", "uniqueItems", "required", "dependentRequired", "minProperties", "maxProperties"];
  const names = depth > 0 ? Object.keys(KEYWORDS) : simple;
  for (let count = random.below(4); count >= 0; count--) {
    const name = random.chance(15) ? "type" : random.pick(names);
    // Inside a property or an item, every definition is fine: the value is a smaller one.
    const from = isInside ? 0 : level;
    if (name === "$ref" && from >= DEFINITIONS) continue;
    made[name] = KEYWORDS[name](random, inside, here, from);
    const companion = random.pick(COMPANIONS[name] ?? [name]);
    if (random.chance(50)) made[companion] ??= KEYWORDS[companion](random, inside, here, from);
  }
  if (made.if && !made.then) made.then = here();
  return made;
}

/** The same schema as people would write it for dbcord: short types, some of them instead of a whole schema. */
export function shortened(random, schema) {
  if (Array.isArray(schema)) return schema.map((item) => shortened(random, item));
  if (schema === null || typeof schema !== "object") return schema;
  const short = (name) => (SHORT[name] && random.chance(60) ? SHORT[name] : name);
  if (Object.keys(schema).length === 0) return random.chance(50) ? "any" : schema;
  if (Object.keys(schema).length === 1 && typeof schema.type === "string" && random.chance(60)) return short(schema.type);
  const single = ["items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"];
  const several = ["prefixItems", "allOf", "anyOf", "oneOf"];
  const named = ["properties", "patternProperties", "dependentSchemas", "$defs"];
  return Object.fromEntries(
    Object.entries(schema).map(([name, operand]) => {
      if (name === "type") return [name, Array.isArray(operand) ? operand.map(short) : short(operand)];
      if (single.includes(name) || several.includes(name)) return [name, shortened(random, operand)];
      if (named.includes(name)) return [name, Object.fromEntries(Object.entries(operand).map(([key, inner]) => [key, shortened(random, inner)]))];
      return [name, operand];
    }),
  );
}

/** Only what defaults go by: nested properties and lists of objects. */
export function schemaWithDefaults(random, depth = 3, names = NAMES) {
  const make = () => {
    if (depth > 0 && random.chance(40)) {
      const inner = schemaWithDefaults(random, depth - 1);
      return random.chance(40) ? { ...inner, default: {} } : random.chance(30) ? { items: inner } : inner;
    }
    return random.chance(60) ? { default: value(random, 1) } : {};
  };
  const made = { properties: fields(random, make, names) };
  // Of two defaults for one property, ajv takes another one than dbcord.
  const others = names.filter((name) => !(name in made.properties));
  if (others.length > 0 && random.chance(30)) made.allOf = [schemaWithDefaults(random, depth - 1, others)];
  return made;
}
