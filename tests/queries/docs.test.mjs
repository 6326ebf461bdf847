// That docs/queries.md says what is so: its examples find what stands beside them, and every difference is listed.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test, { before, describe } from "node:test";
import { DIFFERENCES, SELECT_DIFFERENCES, SORT_DIFFERENCES } from "./mingo.mjs";
import { DIFFERENCES as STAGE_DIFFERENCES } from "./pipeline-mingo.mjs";
import { ask, buildProgram } from "./program.mjs";

const text = readFileSync(new URL("../../docs/queries.md", import.meta.url), "utf8");
const [, block] = /```json\n([^`]*)```/.exec(text);
const docs = block.trim().split("\n").map((line) => JSON.parse(line));
const cells = text.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
const keysIn = (cell) => cell?.match(/\bu_\d\b/g) ?? [];
const codeIn = (cell) => /^`([^`]*)`$/.exec(cell)?.[1];

let program;
before(async () => {
  program = await buildProgram();
});

function check(examples) {
  const answers = ask(program, examples.map(({ where }) => ({ docs, where, pk: "id" })));
  for (const [at, { where, expected }] of examples.entries()) {
    assert.deepEqual(answers[at].ok?.map(({ id }) => id) ?? answers[at], expected, where);
  }
}

describe("docs/queries.md", () => {
  test("its examples find what it says", () => {
    const examples = cells.flatMap((row) => {
      const at = row.findIndex((cell) => codeIn(cell)?.startsWith("{"));
      const result = row[at + 1];
      return at < 0 || !(keysIn(result).length > 0 || result === "none") ? [] : [{ where: codeIn(row[at]), expected: keysIn(result) }];
    });
    assert.ok(examples.length >= 24, `only ${examples.length} examples`);
    check(examples);
  });

  test("its searches find what it says", () => {
    const section = text.split("### Words")[1].split("\n## ")[0];
    const searches = section.split("\n").flatMap((line) => {
      const [, search, result] = /^\| `([^`]*)` \| (.*) \|$/.exec(line) ?? [];
      return search && keysIn(result).length > 0 ? [{ where: { $text: search }, expected: keysIn(result) }] : [];
    });
    assert.equal(searches.length, 3);
    check(searches);
  });

  test("its pipelines have the results that it says", () => {
    const examples = cells.filter(([pipeline]) => codeIn(pipeline)?.startsWith("["));
    assert.equal(examples.length, 5);
    const answers = ask(program, examples.map(([pipeline]) => ({ docs, pipeline: JSON.parse(codeIn(pipeline)), pk: "id" })));
    for (const [at, [pipeline, rows]] of examples.entries()) {
      const expected = rows.slice(1, -1).split("` `").map((row) => JSON.parse(row));
      assert.equal(JSON.stringify(answers[at].ok ?? answers[at]), JSON.stringify(expected), pipeline);
    }
  });

  test("it lists every difference from mingo, and no other", () => {
    const section = text.split("## Differences from mingo")[1];
    const plain = (name) => name.replaceAll("`", "").replace(" (in ranges, in sort)", "");
    const listed = section.split("\n").filter((line) => /^\| (?!-)/.test(line)).map((line) => plain(line.split(" | ")[0].slice(2)));
    const named = [DIFFERENCES, SORT_DIFFERENCES, SELECT_DIFFERENCES, ...Object.values(STAGE_DIFFERENCES)].flatMap(Object.keys).map((name) => name.replace("U+FFFF in sort", "U+FFFF"));
    assert.deepEqual(listed.slice(1).sort(), [...new Set(named)].sort());
  });
});
