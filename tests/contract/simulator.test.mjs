// The simulator's answers against Discord's document, on every route that it serves: the good ones and the refusals.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { createServer } from "node:http";
import path from "node:path";
import test from "node:test";
import { cargoTarget } from "../../scripts/lib/processes.mjs";
import { startSimulator } from "../../scripts/lib/simulator.mjs";
import { problemsOf } from "./exchange.mjs";
import { HOW_TO_GET_IT, findDocument, loadDocument } from "./openapi.mjs";

const document = findDocument();
const USER_AGENT = "DiscordBot (https://example.com/contract-test, 0.1.0)";
const QUIET = { allowed_mentions: { parse: [] } };
const NOBODY = "1";
const ADMINISTRATOR = "8";
const COMMAND = {
  name: "echo",
  type: 1,
  description: "Says it again",
  contexts: [0],
  integration_types: [0],
  default_member_permissions: "32",
  options: [
    { type: 3, name: "text", description: "What to say", required: true, max_length: 100 },
    { type: 4, name: "times", description: "How often", min_value: 1, max_value: 5 },
    { type: 3, name: "tone", description: "How", choices: [{ name: "loud", value: "loud" }] },
    { type: 3, name: "to", description: "To whom", autocomplete: true },
    { type: 5, name: "secretly", description: "Whether others hear it" },
  ],
};

test("every answer of the simulator", { skip: document ? false : HOW_TO_GET_IT }, async (t) => {
  const api = loadDocument(document);
  const simulator = await startSimulator(path.join(await cargoTarget(), "debug", "discord-sim"));
  t.after(() => simulator.stop());
  const { guild_id: guild, channel_id: general, users } = await simulator.createGuild();
  const app = simulator.application_id;
  await simulator.botPermissions(guild, ADMINISTRATOR);

  /** Sends a request as the bot, and returns the answer's JSON after checking its status. */
  async function call(status, method, route, body, { token = `Bot ${simulator.bot_token}`, form } = {}) {
    const headers = { "user-agent": USER_AGENT, ...(token && { authorization: token }), ...(body && !form && { "content-type": "application/json" }) };
    const response = await fetch(`${simulator.url}/api/v10${route}`, { method, headers, body: form ?? (body && JSON.stringify(body)) });
    const text = await response.text();
    if (response.status === 429) {
      await simulator.advanceClock(Math.ceil(JSON.parse(text).retry_after * 1000));
      return call(status, method, route, body, { token, form });
    }
    assert.equal(response.status, status, `${method} ${route}: ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  await t.test("the application and the bot", async () => {
    for (const route of ["/users/@me", "/users/@me/guilds", `/users/${users.owner}`, "/applications/@me"]) await call(200, "GET", route);
    await call(404, "GET", `/users/${NOBODY}`);
    await call(401, "GET", "/users/@me", undefined, { token: "Bot wrong" });
    await call(401, "GET", `/channels/${general}`, undefined, { token: null });
  });

  await t.test("the guild, its members and its roles", async () => {
    const route = `/guilds/${guild}`;
    for (const inside of ["", `/members/${simulator.bot_user_id}`, "/roles"]) await call(200, "GET", route + inside);
    const { id } = await call(200, "POST", `${route}/roles`, { name: "readers", permissions: "1024", color: 255, hoist: true });
    await call(200, "GET", `${route}/roles/${id}`);
    await call(200, "PATCH", `${route}/roles/${id}`, { name: "writers" });
    await call(204, "PUT", `${route}/members/${users.member}/roles/${id}`);
    await call(204, "DELETE", `${route}/members/${users.member}/roles/${id}`);
    await call(204, "DELETE", `${route}/roles/${id}`);
    for (const missing of [`/members/${NOBODY}`, `/roles/${NOBODY}`]) await call(404, "GET", route + missing);
    await call(404, "GET", `/guilds/${NOBODY}`);
    // The list of all takes an intent that the application does not have.
    await call(403, "GET", `${route}/members?limit=5`);
  });

  const made = {};
  await t.test("channels", async () => {
    const overwrites = [
      { id: guild, type: 0, allow: "0", deny: "1024" },
      { id: simulator.bot_user_id, type: 1, allow: "1024", deny: "0" },
    ];
    made.category = await call(201, "POST", `/guilds/${guild}/channels`, { name: "group", type: 4, permission_overwrites: overwrites });
    made.channel = await call(201, "POST", `/guilds/${guild}/channels`, { name: "Notes here", type: 0, topic: "things", parent_id: made.category.id });
    await call(200, "GET", `/guilds/${guild}/channels`);
    await call(200, "GET", `/channels/${made.channel.id}`);
    await call(200, "PATCH", `/channels/${made.channel.id}`, { topic: "other things" });
    await call(204, "PUT", `/channels/${made.channel.id}/permissions/${users.member}`, { type: 1, allow: "1024", deny: "0" });
    await call(204, "DELETE", `/channels/${made.channel.id}/permissions/${users.member}`);
    await call(400, "POST", `/guilds/${guild}/channels`, { name: "", type: 0 });
    await call(400, "POST", `/guilds/${guild}/channels`, { name: "x".repeat(101), type: 0 });
    await call(404, "GET", `/channels/${NOBODY}`);
    await call(404, "GET", `/guilds/${NOBODY}/channels`);
  });

  await t.test("messages", async () => {
    const route = `/channels/${made.channel.id}/messages`;
    const first = await call(200, "POST", route, { ...QUIET, content: "one", nonce: "n1", enforce_nonce: true });
    assert.equal((await call(200, "POST", route, { ...QUIET, content: "one", nonce: "n1", enforce_nonce: true })).id, first.id);
    const embeds = [{ title: "t", description: "d", fields: [{ name: "n", value: "v", inline: true }], footer: { text: "f" }, color: 255, url: "https://example.com/", timestamp: "2026-01-01T00:00:00Z" }];
    const second = await call(200, "POST", route, { ...QUIET, embeds });
    const form = new FormData();
    form.set("payload_json", JSON.stringify({ ...QUIET, content: "file", attachments: [{ id: "0", filename: "a.json", description: "a file" }] }));
    form.set("files[0]", new Blob(["{}"], { type: "application/json" }), "a.json");
    const third = await call(200, "POST", route, undefined, { form });
    assert.equal(third.attachments[0].filename, "a.json");
    await call(200, "POST", route, { ...QUIET, content: "an answer", message_reference: { message_id: first.id } });
    await call(200, "GET", `${route}?limit=50`);
    for (const where of ["before", "after", "around"]) await call(200, "GET", `${route}?limit=2&${where}=${second.id}`);
    await call(200, "GET", `${route}/${first.id}`);
    await call(200, "PATCH", `${route}/${first.id}`, { ...QUIET, content: "one, edited" });
    await call(400, "POST", route, { ...QUIET, content: "" });
    await call(400, "POST", route, { ...QUIET, content: "x".repeat(2001) });
    await call(400, "POST", route, { ...QUIET, embeds: [{ title: "x".repeat(257) }] });
    await call(404, "GET", `${route}/${NOBODY}`);
    await call(404, "PATCH", `${route}/${NOBODY}`, { ...QUIET, content: "x" });
    await call(204, "DELETE", `${route}/${third.id}`);
    await call(404, "DELETE", `${route}/${third.id}`);
    await call(204, "POST", `${route}/bulk-delete`, { messages: [first.id, second.id] });
    await call(400, "POST", `${route}/bulk-delete`, { messages: [first.id] });
    const foreign = await simulator.act(users.owner, "POST", route, { content: "by a person" });
    await call(403, "PATCH", `${route}/${foreign.body.id}`, { ...QUIET, content: "mine now" });
  });

  await t.test("threads and pins", async () => {
    const route = `/channels/${made.channel.id}/messages`;
    const { id } = await call(200, "POST", route, { ...QUIET, content: "starter" });
    await simulator.advanceClock(10_000);
    await call(201, "POST", `${route}/${id}/threads`, { name: "history", auto_archive_duration: 60 });
    await call(400, "POST", `${route}/${id}/threads`, { name: "history" });
    await call(200, "GET", `${route}/${id}`);
    await call(200, "POST", `/channels/${id}/messages`, { ...QUIET, content: "an older revision" });
    await call(200, "GET", `/channels/${id}`);
    await call(200, "GET", `/channels/${id}/messages?limit=10`);
    await call(200, "PATCH", `/channels/${id}`, { name: "renamed", archived: false });
    await call(200, "GET", `/guilds/${guild}/threads/active`);
    await call(200, "PATCH", `/channels/${id}`, { archived: true, locked: true });
    await call(400, "PATCH", `/channels/${id}`, { name: "too late" });
    await call(200, "GET", `/channels/${made.channel.id}/threads/archived/public`);
    await call(204, "PUT", `${route}/pins/${id}`);
    await call(200, "GET", `${route}/pins`);
    await call(200, "GET", `${route}?limit=10`);
    await call(204, "DELETE", `${route}/pins/${id}`);
    await call(200, "DELETE", `/channels/${id}`);
  });

  await t.test("search", async () => {
    const control = async (method, what, body) => {
      const response = await fetch(`${simulator.url}/sim/${what}`, { method, body: body && JSON.stringify(body) });
      assert.equal(response.status, 200, await response.text());
    };
    const search = (status, query = "") => call(status, "GET", `/guilds/${guild}/messages/search?${query}`);
    await search(403);
    await control("PUT", "application", { message_content_intent: true });
    const { code } = await search(202);
    assert.equal(code, 110000);
    await control("PUT", "search-plan", { rates: { deep_index: 1 } });
    assert.equal((await search(200)).doing_deep_historical_index, true);
    await control("DELETE", "search-plan");

    const route = `/channels/${made.channel.id}/messages`;
    const form = new FormData();
    form.set("payload_json", JSON.stringify({ ...QUIET, content: "needle https://example.com", embeds: [{ title: "t" }] }));
    form.set("files[0]", new Blob(["x"], { type: "image/png" }), "a.png");
    const first = await call(200, "POST", route, undefined, { form });
    await call(200, "POST", route, { ...QUIET, content: "an answer to the needle", message_reference: { message_id: first.id } });
    await call(201, "POST", `${route}/${first.id}/threads`, { name: "history" });
    await call(200, "POST", `/channels/${first.id}/messages`, { ...QUIET, content: "needle in a thread" });
    const all = await search(200, "content=needle&slop=2&sort_by=timestamp&sort_order=asc&limit=25&offset=0");
    assert.deepEqual([all.total_results, all.threads.length, all.members.length], [3, 1, 1]);
    const narrow = `author_id=${simulator.bot_user_id}&author_type=bot&author_type=-user&channel_id=${made.channel.id}&pinned=false&mention_everyone=false&include_nsfw=true`;
    assert.equal((await search(200, `${narrow}&has=image&has=link&has=-poll&attachment_extension=png&attachment_filename=a.png&link_hostname=example.com`)).total_results, 1);
    assert.equal((await search(200, `${narrow}&replied_to_message_id=${first.id}&min_id=${first.id}`)).total_results, 1);
    for (const wrong of ["limit=26", "offset=9976", "slop=101", "has=x", "channel_id=a&channel_id=b", "min_id=01", `content=${"x".repeat(1025)}`]) await search(400, wrong);
    await search(404, `channel_id=${NOBODY}`);
    await call(404, "GET", `/guilds/${NOBODY}/messages/search`);
    await control("PUT", "application", { message_content_intent: false });
  });

  await t.test("permissions", async () => {
    await simulator.botPermissions(guild, "0");
    await call(403, "POST", `/channels/${general}/messages`, { ...QUIET, content: "x" });
    await call(403, "GET", `/channels/${general}/messages`);
    await call(403, "POST", `/guilds/${guild}/channels`, { name: "x", type: 0 });
    await simulator.botPermissions(guild, ADMINISTRATOR);
  });

  await t.test("commands, for a guild and globally", async () => {
    for (const route of [`/applications/${app}/guilds/${guild}/commands`, `/applications/${app}/commands`]) {
      const [registered] = await call(200, "PUT", route, [COMMAND]);
      await call(200, "GET", route);
      await call(200, "GET", `${route}/${registered.id}`);
      await call(200, "PATCH", `${route}/${registered.id}`, { description: "Says it once more" });
      await call(201, "POST", route, { ...COMMAND, name: "other" });
      await call(204, "DELETE", `${route}/${registered.id}`);
      await call(400, "PUT", route, [{ ...COMMAND, name: "With Space" }]);
      await call(400, "PUT", route, [COMMAND, COMMAND]);
      await call(404, "GET", `${route}/${NOBODY}`);
    }
  });

  await t.test("an interaction's webhook", async () => {
    await call(200, "PUT", `/applications/${app}/guilds/${guild}/commands`, [COMMAND]);
    await call(200, "PUT", `/applications/${app}/commands`, []);
    const endpoint = createServer((request, response) => {
      let body = "";
      request.setEncoding("utf8").on("data", (text) => (body += text));
      request.on("end", () => {
        const answer = JSON.parse(body).type === 1 ? { type: 1 } : { type: 5, data: { flags: 64 } };
        response.writeHead(isSigned(simulator.public_key, request.headers, body) ? 200 : 401, { "content-type": "application/json" });
        response.end(JSON.stringify(answer));
      });
    });
    await new Promise((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
    t.after(() => endpoint.close());
    await simulator.setEndpoint(`http://127.0.0.1:${endpoint.address().port}/`);
    const view = await simulator.interact({ guild_id: guild, text: "/echo text:hello there times:2" });
    assert.equal(view.state, "deferred");
    const hook = `/webhooks/${app}/${view.token}`;
    await call(200, "PATCH", `${hook}/messages/@original`, { ...QUIET, content: "hello there" }, { token: null });
    await call(200, "GET", `${hook}/messages/@original`, undefined, { token: null });
    const followup = await call(200, "POST", `${hook}?wait=true`, { ...QUIET, content: "once more", flags: 64 }, { token: null });
    await call(200, "PATCH", `${hook}/messages/${followup.id}`, { ...QUIET, content: "edited" }, { token: null });
    await call(204, "DELETE", `${hook}/messages/${followup.id}`, undefined, { token: null });
    await call(404, "PATCH", `/webhooks/${app}/wrong/messages/@original`, { ...QUIET, content: "x" }, { token: null });
    await simulator.advanceClock(16 * 60 * 1000);
    await call(401, "PATCH", `${hook}/messages/@original`, { ...QUIET, content: "late" }, { token: null });
  });

  await t.test("a rate limit", async () => {
    const sent = Array.from({ length: 12 }, () => fetch(`${simulator.url}/api/v10/channels/${general}/messages`, {
      method: "POST",
      headers: { "user-agent": USER_AGENT, authorization: `Bot ${simulator.bot_token}`, "content-type": "application/json" },
      body: JSON.stringify({ ...QUIET, content: "again" }),
    }));
    const limited = (await Promise.all(sent)).filter((response) => response.status === 429);
    assert.ok(limited.length > 0, "12 messages at once ran into no limit");
  });

  await t.test("deletions", async () => {
    await call(204, "DELETE", `/guilds/${guild}/members/${users.member}`);
    await call(200, "DELETE", `/channels/${made.channel.id}`);
    await call(404, "GET", `/channels/${made.channel.id}`);
    await call(204, "DELETE", `/users/@me/guilds/${guild}`);
    await call(404, "GET", `/guilds/${guild}/channels`);
  });

  await t.test("all of these are as the document says", async () => {
    const { exchanges } = await simulator.traffic();
    const wrong = exchanges.flatMap((exchange) =>
      problemsOf(api, exchange)
        .filter((problem) => problem.side === "response" && exchange.direction === "rest")
        .map((problem) => `${exchange.method} ${exchange.path.replace(/\d{6,}/g, "N")} ${problem.text}`),
    );
    assert.deepEqual([...new Set(wrong)], []);
    assert.ok(exchanges.length > 60, `${exchanges.length} exchanges`);
  });
});

function isSigned(publicKey, headers, body) {
  const der = Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), Buffer.from(publicKey, "hex")]);
  const signed = Buffer.from(headers["x-signature-timestamp"] + body);
  return verify(null, signed, createPublicKey({ key: der, format: "der", type: "spki" }), Buffer.from(headers["x-signature-ed25519"], "hex"));
}
