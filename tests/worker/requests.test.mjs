// What the Worker sends to Discord, looked at as a whole: the contract suite checks the shape of each.
import assert from "node:assert/strict";
import test from "node:test";
import { findChannel, startWithTable } from "./harness.mjs";

test("requests", async (t) => {
  const world = await startWithTable(t);
  await world.insert({ id: "u_1", text: "@everyone" });
  await world.mirrored("u_1");
  const requests = await world.requests();

  await t.test("each names dbcord as its User-Agent", () => {
    for (const one of requests) assert.match(one.user_agent ?? "", /^DiscordBot \(https?:\/\/[^\s,]+, [\d.]+.*\)/, `${one.method} ${one.path}`);
  });
  await t.test("each is answered well", () => {
    const bad = requests.filter((one) => one.status >= 400);
    assert.deepEqual(bad.map((one) => `${one.method} ${one.path} ${one.status}`), []);
  });
  await t.test("messages are posted with a nonce that Discord enforces, and ping nobody", () => {
    const posts = requests.filter((one) => one.method === "POST" && /^\/channels\/\d+\/messages$/.test(one.path));
    assert.ok(posts.length >= 2);
    for (const { request } of posts) {
      assert.equal(request.enforce_nonce, true);
      assert.match(request.nonce, /^[\w-]{1,25}$/);
      assert.deepEqual(request.allowed_mentions, { parse: [] });
    }
  });
  await t.test("nothing outside dbcord's own channels is read, written or deleted", async () => {
    const state = await world.state();
    const own = new Set(state.channels.filter((channel) => channel.topic?.startsWith("dbcord:1:") || channel.name.startsWith("dbcord-")).map((channel) => channel.id));
    for (const one of requests) {
      const channel = /^\/channels\/(\d+)/.exec(one.path)?.[1];
      assert.ok(!channel || own.has(channel), `${one.method} ${one.path}`);
    }
    assert.deepEqual(findChannel(state, "general").messages, []);
  });
  await t.test("a warm read asks Discord nothing", async () => {
    const since = await world.trafficPosition();
    await world.row("u_1");
    assert.deepEqual((await world.requests(since)).map((one) => one.path), []);
  });
});
