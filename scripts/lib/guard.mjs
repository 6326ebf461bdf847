// Runs a command in this process's group and ends the whole group when standard input closes:
// whoever started the guard may die in any way, and nothing that it started outlives it.
//
//     node guard.mjs COMMAND [ARGUMENT]...      (started detached, with a pipe as its standard input)
import { spawn } from "node:child_process";

const GRACE_MS = 3000;
const [command, ...args] = process.argv.slice(2);
let ending = false;

const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
child.on("error", (error) => {
  console.error(`${command} could not be started: ${error.message}`);
  process.exit(127);
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 143);
  end();
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);
process.stdin.on("end", end).on("close", end).on("error", end).resume();

function end() {
  if (ending) return;
  ending = true;
  signalGroup("SIGTERM");
  const deadline = Date.now() + GRACE_MS;
  const waiting = setInterval(() => {
    const childGone = child.exitCode !== null || child.signalCode !== null;
    if (!childGone && Date.now() < deadline) return;
    clearInterval(waiting);
    process.stdin.destroy();
    // What is left of the group goes, and the guard with it.
    signalGroup("SIGKILL");
  }, 20);
}

function signalGroup(signal) {
  try {
    process.kill(-process.pid, signal);
  } catch {
    process.exit();
  }
}
