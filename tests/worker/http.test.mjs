// The Worker as an HTTP server: routes, methods, what it tells about itself, and bodies that make no sense.
import assert from "node:assert/strict";
import test from "node:test";
import { ping, startWorld } from "./harness.mjs";

const VARIABLES = ["DISCORD_APPLICATION_ID", "DISCORD_PUBLIC_KEY", "DISCORD_BOT_TOKEN", "DBCORD_GUILD_ID"];
const NOTHING = Object.fromEntries([...VARIABLES, "DISCORD_API_BASE"].map((name) => [name, null]));

test("routes and methods", async (t) => {
  const world = await startWorld(t);

  await t.test("GET / says what this is and that it is configured", async () => {
    const { status, body } = await world.request("GET", "/");
    assert.equal(status, 200);
    assert.equal(body.service, "dbcord");
    assert.match(body.version, /^\d+\.\d+\.\d+/);
    assert.equal(body.configured, true);
    assert.deepEqual(body.missing, []);
  });
  await t.test("GET / gives no secrets away", async () => {
    const { text } = await world.request("GET", "/");
    for (const secret of [world.simulator.bot_token, world.simulator.signing_key]) assert.ok(!text.includes(secret));
  });
  for (const [method, route, allow] of [
    ["GET", "/interactions", "POST"],
    ["PUT", "/interactions", "POST"],
    ["DELETE", "/interactions", "POST"],
    ["POST", "/", "GET"],
  ]) {
    await t.test(`${method} ${route} is no method of it`, async () => {
      const answer = await world.request(method, route);
      assert.equal(answer.status, 405);
      assert.ok(answer.headers.get("allow").split(/, */).includes(allow), `Allow: ${answer.headers.get("allow")}`);
      assert.equal(typeof answer.body.error, "string");
    });
  }
  for (const route of ["/interaction", "/interactions/1", "/admin", "/../etc/passwd", "/%00"]) {
    await t.test(`there is no ${route}`, async () => {
      const answer = await world.request("GET", route);
      assert.equal(answer.status, 404);
      assert.equal(typeof answer.body.error, "string");
    });
  }

  const malformed = {
    "no JSON": "hello",
    "cut off": '{"type":1',
    "an array": "[]",
    "a number": "5",
    "no type": "{}",
    "a command without data": JSON.stringify({ ...ping, type: 2 }),
    "a type that is no number": JSON.stringify({ ...ping, type: "1" }),
    "deeply nested": "[".repeat(100_000),
    "not UTF-8": Buffer.from([0x7b, 0xff, 0xfe, 0x7d]),
  };
  for (const [name, text] of Object.entries(malformed)) {
    await t.test(`signed, but ${name}`, async () => {
      const answer = await world.post(text);
      assert.equal(answer.status, 400, answer.text);
      assert.equal(typeof answer.body.error, "string");
    });
  }
  await t.test("after all that it still works", async () => {
    assert.deepEqual((await world.post(ping)).body, { type: 1 });
  });
});

test("nothing is configured", async (t) => {
  const world = await startWorld(t, { configuration: NOTHING });
  const { status, body } = await world.request("GET", "/");
  assert.equal(status, 200);
  assert.equal(body.configured, false);
  assert.deepEqual([...body.missing].sort(), [...VARIABLES].sort());
  const answer = await world.post(ping);
  assert.equal(answer.status, 500);
  for (const name of VARIABLES) assert.ok(answer.body.error.includes(name), answer.text);
});

for (const name of VARIABLES) {
  test(`${name} is missing`, async (t) => {
    const world = await startWorld(t, { configuration: { [name]: null } });
    const { body } = await world.request("GET", "/");
    assert.equal(body.configured, false);
    assert.deepEqual(body.missing, [name]);
    const answer = await world.post(ping);
    assert.equal(answer.status, 500);
    assert.ok(answer.body.error.includes(name), answer.text);
  });
}

for (const [name, value] of [
  ["DISCORD_PUBLIC_KEY", "not a key"],
  ["DISCORD_PUBLIC_KEY", "ab"],
  ["DISCORD_APPLICATION_ID", "my app"],
  ["DBCORD_GUILD_ID", "123,home"],
  ["DISCORD_API_BASE", "discord"],
]) {
  test(`${name} is malformed: ${value}`, async (t) => {
    const world = await startWorld(t, { configuration: { [name]: value } });
    const status = await world.request("GET", "/");
    assert.equal(status.status, 200);
    assert.equal(status.body.configured, false);
    const answer = await world.post(ping);
    assert.equal(answer.status, 500);
    assert.ok(answer.body.error.includes(name), answer.text);
    assert.ok(!answer.text.includes(world.simulator.bot_token));
  });
}
