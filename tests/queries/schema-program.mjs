// Asking dbcord's own validator, through a program that reads a question a line.
import path from "node:path";
import { capture, cargoTarget, run } from "../../scripts/lib/processes.mjs";

/** Builds the program, and returns a function from questions to answers. */
export async function startSchemaProgram() {
  await run("cargo", ["build", "--quiet", "--package", "dbcord-tools", "--bin", "dbcord-schema"], { what: "building dbcord-schema" });
  const program = path.join(await cargoTarget(), "debug", "dbcord-schema");
  /** Questions are objects, or JSON text where the spelling of numbers matters. */
  return async (questions) => {
    const lines = questions.map((question) => (typeof question === "string" ? question : JSON.stringify(question)));
    const answers = (await capture(program, [], { input: `${lines.join("\n")}\n` })).trim().split("\n");
    return answers.map((line) => JSON.parse(line));
  };
}
