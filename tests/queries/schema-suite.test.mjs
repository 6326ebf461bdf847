// dbcord's validator against the official tests of JSON Schema, draft 2020-12.
//
// They are not part of this repository: github.com/json-schema-org/JSON-Schema-Test-Suite has them,
// and so has the source distribution of Python's package jsonschema, in the folder json.
// $JSON_SCHEMA_TEST_SUITE names the folder with `tests` in it; without it, these tests are skipped.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import test, { before, describe } from "node:test";
import { startSchemaProgram } from "./schema-program.mjs";

const suite = process.env.JSON_SCHEMA_TEST_SUITE;
const folder = suite && path.join(suite, "tests", "draft2020-12");

/** Keywords that are not supported, whose files have nothing else to show. */
const LEFT_OUT = ["content", "dynamicRef", "format", "refRemote", "unevaluatedItems", "unevaluatedProperties", "vocabulary"];
const FORMATS = ["date-time", "date", "time", "email", "uuid", "uri", "ipv4", "ipv6"];

/** Why a schema of the suite may be refused: what `docs/schemas.md` says is not supported. */
const REFUSED = /does not support `(\$dynamic\w+|unevaluated\w+|content\w+|\$vocabulary|definitions|dependencies)`|`\$(id|schema)` can only stand|outside of this schema|a kind of schema that dbcord does not know|a schema has no `|leads back to itself|Unicode properties|look-around|dbcord cannot check|there is no such subschema/;

let ask;
before(async () => {
  if (suite) ask = await startSchemaProgram();
});

/** Runs a file; returns how many tests agree, and how many schemas were refused. */
async function runFile(file) {
  const groups = JSON.parse(readFileSync(file, "utf8"));
  const cases = groups.flatMap((group) => group.tests.map((each) => ({ ...each, schema: group.schema, group: group.description })));
  const answers = await ask(cases.map(({ schema, data }) => ({ schema, doc: data })));
  const counts = { agree: 0, refused: 0, wrong: [] };
  cases.forEach((each, index) => {
    const name = `${path.basename(file)}: ${each.group}: ${each.description}`;
    const answer = answers[index];
    if (answer.refused !== undefined) {
      counts.refused++;
      if (!REFUSED.test(answer.refused)) counts.wrong.push(`${name}: refused: ${answer.refused}`);
    } else if (answer.valid === each.valid) counts.agree++;
    else counts.wrong.push(`${name}: ${JSON.stringify(each.schema)} with ${JSON.stringify(each.data)} is ${each.valid ? "" : "not "}valid`);
  });
  console.log(`${path.basename(file)}: ${counts.agree} agree, ${counts.refused} refused`);
  return counts;
}

if (!suite) test("JSON-Schema-Test-Suite", { skip: "set JSON_SCHEMA_TEST_SUITE to the folder of JSON-Schema-Test-Suite" }, () => {});
else describe("JSON-Schema-Test-Suite", () => {
  const files = readdirSync(folder).filter((name) => name.endsWith(".json") && !LEFT_OUT.includes(name.slice(0, -5)));
  const total = { agree: 0, refused: 0 };
  for (const name of files) {
    test(name, async () => {
      const { agree, refused, wrong } = await runFile(path.join(folder, name));
      total.agree += agree;
      total.refused += refused;
      assert.deepEqual(wrong, []);
    });
  }
  for (const format of FORMATS) {
    test(`format ${format}`, async () => {
      const { agree, refused, wrong } = await runFile(path.join(folder, "optional", "format", `${format}.json`));
      total.agree += agree;
      total.refused += refused;
      assert.deepEqual(wrong, []);
    });
  }
  for (const name of ["ecmascript-regex", "non-bmp-regex", "float-overflow", "bignum"]) {
    test(`optional ${name}`, async () => {
      const { agree, refused, wrong } = await runFile(path.join(folder, "optional", `${name}.json`));
      total.agree += agree;
      total.refused += refused;
      assert.deepEqual(wrong, []);
    });
  }
  test("most of it is supported", () => {
    console.log(`in all: ${total.agree} agree, ${total.refused} refused`);
    assert.ok(total.agree > 10 * total.refused, JSON.stringify(total));
  });
});
