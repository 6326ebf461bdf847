// Who may talk to the Worker at all: Discord, by its signature over timestamp and raw body.
import assert from "node:assert/strict";
import test from "node:test";
import { now, otherKey, ping, startWorld } from "./harness.mjs";

const LIMIT = 1024 * 1024;

test("signatures", async (t) => {
  const world = await startWorld(t);

  async function refused(status, body, options) {
    const answer = await world.post(body, options);
    assert.equal(answer.status, status, answer.text);
    assert.equal(typeof answer.body?.error, "string", `no error in ${answer.text}`);
  }

  await t.test("a PING with a good signature gets a pong", async () => {
    const answer = await world.post(ping);
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { type: 1 });
    assert.match(answer.headers.get("content-type"), /^application\/json/);
  });
  await t.test("another key", () => refused(401, ping, { key: otherKey }));
  await t.test("a changed body", () => refused(401, ping, { sent: JSON.stringify({ ...ping, id: "2" }) }));
  await t.test("a body with one space more", () => refused(401, ping, { sent: `${JSON.stringify(ping)} ` }));
  await t.test("no signature", () => refused(401, ping, { headers: { "x-signature-ed25519": null } }));
  await t.test("no timestamp", () => refused(401, ping, { headers: { "x-signature-timestamp": null } }));
  await t.test("another timestamp than the signed one", () => refused(401, ping, { headers: { "x-signature-timestamp": String(now() - 1) } }));
  await t.test("a timestamp of 6 minutes ago", () => refused(401, ping, { timestamp: now() - 360 }));
  await t.test("a timestamp 6 minutes ahead", () => refused(401, ping, { timestamp: now() + 360 }));
  await t.test("timestamps 4 minutes off pass", async () => {
    for (const offset of [-240, 240]) assert.equal((await world.post(ping, { timestamp: now() + offset })).status, 200);
  });
  for (const timestamp of ["", "soon", "-5", "1e9", "99999999999999999999999999", `${now()}.5`, "0x10"]) {
    await t.test(`a timestamp that is no time: ${JSON.stringify(timestamp)}`, () => refused(401, ping, { timestamp }));
  }
  const malformed = { "not hexadecimal": "z".repeat(128), "too short": "ab", "too long": "ab".repeat(65), "empty": "", "all zero": "00".repeat(64), "of odd length": "a".repeat(127) };
  for (const [name, value] of Object.entries(malformed)) {
    await t.test(`a signature that is ${name}`, () => refused(401, ping, { headers: { "x-signature-ed25519": value } }));
  }
  await t.test("an empty body, signed", () => refused(400, ""));

  await t.test("a body over the limit, announced by content-length", () => refused(413, " ".repeat(LIMIT + 1)));
  await t.test("a body over the limit, in pieces of unknown length", async () => {
    const piece = new TextEncoder().encode(" ".repeat(64 * 1024));
    let left = LIMIT / piece.length + 1;
    const sent = new ReadableStream({ pull: (controller) => (left-- > 0 ? controller.enqueue(piece) : controller.close()) });
    await refused(413, "", { sent });
  });
  await t.test("nothing of all this reached Discord or the object", async () => {
    const requests = (await world.requests()).filter((one) => !one.path.startsWith("/applications/"));
    assert.deepEqual(requests, []);
  });
});
