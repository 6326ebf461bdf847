// Starting `wrangler dev` on the built Worker: offline, quiet, on loopback, and ended with all its children.
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Problem, root, startGroup, waitFor } from "./processes.mjs";

const START_BOUND_MS = 180_000;

/**
 * Starts the Worker with the given configuration. `folder` holds its object storage and logs: start again
 * with the same folder and it is the same deployment after a restart of the machine. With `rebuild` it builds again
 * whenever a source changes.
 */
export async function startWrangler({ port, folder, configuration, rebuild, onLine }) {
  await mkdir(folder, { recursive: true });
  // With a file of its own wrangler does not look at .dev.vars, which may hold the keys of a real Discord.
  const variables = path.join(folder, "variables");
  await writeFile(variables, Object.entries(configuration).map(([name, value]) => `${name}="${value}"\n`).join(""), { mode: 0o600 });

  const url = `http://127.0.0.1:${port}`;
  const args = ["dev", "--local", "--ip", "127.0.0.1", "--port", String(port), "--inspector-port", "0"];
  args.push("--persist-to", path.join(folder, "state"), "--env-file", variables, "--show-interactive-dev-session=false");
  const group = startGroup(path.join(root, "node_modules/.bin/wrangler"), args, { env: { ...quietEnvironment(folder), DBCORD_BUILT: rebuild ? "" : "1" }, onLine });

  const ready = await waitFor(async () => !group.running || (await answers(url)), { boundMs: START_BOUND_MS });
  if (!ready || !group.running) {
    await group.stop();
    throw new Problem(`wrangler dev did not start:\n${group.output.join("\n")}`);
  }
  return { url, pid: group.pid, output: group.output, exited: group.exited, stop: group.stop };
}

async function answers(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => null);
  await response?.arrayBuffer().catch(() => {});
  return response !== null;
}

function quietEnvironment(folder) {
  return {
    CI: "1",
    CLOUDFLARE_CF_FETCH_ENABLED: "false",
    CLOUDFLARE_INCLUDE_PROCESS_ENV: "false",
    NO_COLOR: "1",
    WRANGLER_HIDE_BANNER: "true",
    WRANGLER_LOG_PATH: path.join(folder, "logs"),
    WRANGLER_REGISTRY_PATH: path.join(folder, "registry"),
    WRANGLER_SEND_METRICS: "false",
  };
}
