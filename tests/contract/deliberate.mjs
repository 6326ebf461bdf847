// What a program of ours sends wrongly on purpose: dbcord-live asks how Discord answers it, and says so in its table.
//
// An entry excuses one problem, word for word, in recordings of one kind, on one route, and only where the answer was
// the refusal that the program is after. `why` names the place that sends it. In a run of everything an entry that
// nothing needs any more is a failure.
export const DELIBERATE = [
  {
    recording: "tools",
    method: "POST",
    route: "/channels/{channel_id}/messages/bulk-delete",
    status: 400,
    problem: "/messages must NOT have fewer than 2 items",
    why: "probes/deletion.rs, 'bulk, one'",
  },
  {
    recording: "tools",
    method: "POST",
    route: "/channels/{channel_id}/messages/bulk-delete",
    status: 400,
    problem: "/messages must NOT have duplicate items (items ## 0 and 1 are identical)",
    why: "probes/deletion.rs, 'bulk, the same twice'",
  },
];

/** The entry that excuses a problem of a request, or undefined. */
export function deliberately(api, { exchange, side, text }) {
  if (side !== "request" || exchange.direction !== "rest") return undefined;
  const { template } = api.operation(exchange.method, exchange.path.split("?")[0]);
  return DELIBERATE.find(
    (entry) =>
      exchange.file.startsWith(`${entry.recording}-`) &&
      entry.method === exchange.method &&
      entry.route === template &&
      entry.status === exchange.status &&
      entry.problem === text,
  );
}
