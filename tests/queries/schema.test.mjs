// dbcord's validator against ajv: the same answers, for the same reasons, at the same places.
import assert from "node:assert/strict";
import net from "node:net";
import test, { before } from "node:test";
import Ajv2020 from "ajv/dist/2020.js";
import { Random, schema, schemaWithDefaults, shortened, text, value } from "./schema-cases.mjs";
import { startSchemaProgram } from "./schema-program.mjs";

const SCHEMAS = Number(process.env.DBCORD_SCHEMA_CASES ?? 1_500);
const VALUES_EACH = 6;
const SEED = Number(process.env.DBCORD_SCHEMA_SEED ?? 20_260);

let ask;
before(async () => {
  ask = await startSchemaProgram();
});

/** ajv has no formats of its own; these are written without a look at dbcord's, by other means where there are any. */
const formats = {
  date: (text) => /^\d{4}-\d\d-\d\d$/.test(text) && isDate(text),
  time: (text) => /^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(z|[+-]([01]\d|2[0-3]):[0-5]\d)$/i.test(text),
  "date-time": (text) => formats.date(text.slice(0, 10)) && /^t$/i.test(text[10]) && formats.time(text.slice(11)),
  email: (text) => /^[\w.+-]+@[\w-]+(\.[\w-]+)*$/.test(text),
  uuid: (text) => /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text),
  uri: (text) => /^[a-z][a-z\d+.-]*:[!-~]*$/i.test(text) && URL.canParse(text),
  ipv4: net.isIPv4,
  ipv6: net.isIPv6,
};

function isDate(text) {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

/** Its own look at the schemas is left out: it takes most of the time. */
const ajvOf = (options) => new Ajv2020({ strict: false, logger: false, allErrors: true, validateSchema: false, meta: false, addUsedSchema: false, formats, ...options });

test(`${SCHEMAS} random schemas, ${VALUES_EACH} values each: ajv says the same`, async () => {
  const random = new Random(SEED);
  const cases = [];
  let broken = 0;
  for (let made = 0; made < SCHEMAS; made++) {
    const rules = schema(random);
    const written = shortened(random, rules);
    try {
      const check = ajvOf().compile(forAjv(rules));
      for (let count = 0; count < VALUES_EACH; count++) {
        const doc = value(random);
        const valid = check(doc);
        const line = `{"schema":${text(random, written)},"doc":${text(random, doc)}}`;
        cases.push({ line, valid, reasons: valid ? [] : check.errors.map(reasonOf) });
      }
    } catch (error) {
      // The code that ajv writes fails now and then, where it keeps the books of `unevaluated…`.
      assert.ok(error instanceof TypeError && error.message.startsWith("Cannot set properties of undefined"), `${error}: ${JSON.stringify(rules)}`);
      broken++;
    }
  }
  const answers = await ask(cases.map((each) => each.line));
  const counts = { valid: 0, invalid: 0, errors: 0 };
  cases.forEach(({ line, valid, reasons }, index) => {
    const answer = answers[index];
    assert.equal(answer.refused, undefined, `refused: ${line}: ${answer.refused}`);
    assert.equal(answer.valid, valid, `${line}: ajv says ${valid}, dbcord: ${JSON.stringify(answer.errors)}`);
    counts[valid ? "valid" : "invalid"]++;
    for (const { path, rule, message } of answer.errors) {
      counts.errors++;
      // ajv says it of what is around: of names always, of items that `items: false` forbids beside `prefixItems`.
      const around = path.replace(/(\.?[^.[]*|\[\d+\])$/, "");
      const expected = message.startsWith("the name of the field") ? [`${rule} at ${around}`] : [`${rule} at ${path}`];
      if (rule === "false" && path.endsWith("]")) expected.push(`items at ${around}`);
      assert.ok(expected.some((reason) => reasons.includes(reason)), `${line}: ${rule} at ${path}, but ajv: ${reasons.join(", ")}`);
      assert.match(message, /^(the row|`[^`]+`|the name of the field `[^`]+`) (must|is not|has no) /);
    }
  });
  console.log(`${cases.length} cases: ${counts.valid} valid, ${counts.invalid} not, ${counts.errors} errors compared`);
  assert.ok(broken < SCHEMAS / 50, `ajv failed at ${broken} schemas`);
  assert.ok(Math.min(counts.valid, counts.invalid) > cases.length / 5, JSON.stringify(counts));
});

/** The same, with `contains` apart: beside `prefixItems`, ajv lets an empty list pass in an `if` or a `not`. */
function forAjv(rules) {
  if (Array.isArray(rules)) return rules.map(forAjv);
  if (rules === null || typeof rules !== "object") return rules;
  const { contains, minContains, maxContains, ...rest } = Object.fromEntries(Object.entries(rules).map(([name, operand]) => [name, forAjv(operand)]));
  if (contains === undefined) return rest;
  return { ...rest, allOf: [...(rest.allOf ?? []), JSON.parse(JSON.stringify({ contains, minContains, maxContains }))] };
}

/** An error of ajv's in dbcord's words. */
function reasonOf({ keyword, instancePath, params }) {
  const steps = instancePath.split("/").slice(1);
  // What is there to be said of a field is said at the field.
  if (params.missingProperty !== undefined) steps.push(params.missingProperty);
  if (params.additionalProperty !== undefined) steps.push(params.additionalProperty);
  const rules = { "false schema": "false", minContains: "contains", maxContains: "contains" };
  const path = steps.map((step) => (/^\d+$/.test(step) ? `[${step}]` : `.${step}`)).join("");
  return `${rules[keyword] ?? keyword} at ${path.replace(/^\./, "")}`;
}

test("random schemas with defaults: ajv fills in the same", async () => {
  const random = new Random(SEED + 1);
  const cases = [];
  for (let made = 0; made < SCHEMAS / 3; made++) {
    const rules = schemaWithDefaults(random);
    const check = ajvOf({ useDefaults: true }).compile(rules);
    for (let count = 0; count < VALUES_EACH; count++) {
      const row = value(random);
      if (row === null || typeof row !== "object" || Array.isArray(row)) continue;
      const filled = structuredClone(row);
      check(filled);
      cases.push({ question: { schema: rules, row }, filled });
    }
  }
  const answers = await ask(cases.map((each) => each.question));
  let changed = 0;
  cases.forEach(({ question, filled }, index) => {
    const shown = JSON.stringify(question);
    assert.equal(answers[index].refused, undefined, `${shown}: ${answers[index].refused}`);
    assert.deepEqual(answers[index].row, filled, shown);
    changed += JSON.stringify(question.row) !== JSON.stringify(filled);
  });
  assert.ok(changed > cases.length / 3, `${changed} of ${cases.length} changed`);
});
