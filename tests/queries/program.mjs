// dbcord's own answers, by the native program that asks queries of documents.
import { spawnSync } from "node:child_process";
import path from "node:path";
import { cargoTarget, run } from "../../scripts/lib/processes.mjs";

const NAME = "dbcord-query";

export async function buildProgram() {
  if (process.env.DBCORD_QUERY) return process.env.DBCORD_QUERY;
  await run("cargo", ["build", "--quiet", "--package", "dbcord-tools", "--bin", NAME], { what: `building ${NAME}` });
  return path.join(await cargoTarget(), "debug", NAME);
}

/** Answers cases, each with `{ok: documents}` or `{error}`. */
export function ask(program, cases) {
  const input = cases.map((one) => `${JSON.stringify(one)}\n`).join("");
  const { status, stdout, stderr, error } = spawnSync(program, { input, encoding: "utf8", maxBuffer: 1 << 30 });
  if (error || status !== 0) throw new Error(`${NAME} ended with ${error ?? status}: ${stderr}`);
  return stdout.trimEnd().split("\n").map((line) => JSON.parse(line));
}
