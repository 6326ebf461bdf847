// Runs a command in this process's group and ends the whole group when standard input closes:
// whoever started the guard may die in any way, and nothing that it started outlives it.
//
//     node guard.mjs COMMAND [ARGUMENT]...      (started detached, with a pipe as its standard input)
import { spawn } from "node:child_process";
import os from "node:os";

const GRACE_MS = 3000;
const [command, ...args] = process.argv.slice(2);
let ending = false;

const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });
child.on("error", (error) => {
  console.error(`${command} could not be started: ${error.message}`);
  process.exit(127);
});
child.on("exit", (code, signal) => {
  if (ending) return;
  // It ended by itself: whatever it left behind goes with it.
  ending = true;
  signalGroup("SIGTERM");
  process.exit(code ?? 128 + os.constants.signals[signal]);
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, end);
process.stdin.on("end", end).on("close", end).on("error", end).resume();

/** Asks the group to end, and after a while, or as soon as the command is gone, makes it: the guard with it. */
function end() {
  if (ending) return;
  ending = true;
  signalGroup("SIGTERM");
  const deadline = Date.now() + GRACE_MS;
  setInterval(() => {
    const gone = child.exitCode !== null || child.signalCode !== null;
    if (gone || Date.now() >= deadline) signalGroup("SIGKILL");
  }, 20);
}

function signalGroup(signal) {
  try {
    process.kill(-process.pid, signal);
  } catch {
    process.exit(1);
  }
}
