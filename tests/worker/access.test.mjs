// Who may use the database: members with Manage Server, in the guilds that the deployment was told.
import assert from "node:assert/strict";
import test from "node:test";
import { findCategory, findChannel, guildChanges, isRefusal, startWithTable, startWorld } from "./harness.mjs";

const MANAGE_GUILD = 1n << 5n;
const VIEW_CHANNEL = 1n << 10n;

let forgeries = 0n;

/** A payload like the newest one, with an id and token of its own. */
async function forged(world, change) {
  const payload = await world.newestPayload();
  payload.id = String(BigInt(payload.id) + (forgeries += 1n));
  payload.token = `${payload.token}x`;
  change(payload);
  return payload;
}

test("refusals", async (t) => {
  const world = await startWithTable(t);
  await world.ok("/dbc_inspect database:prod");
  const before = await world.state();

  async function mustRefuse(payload, expected) {
    const answer = await world.post(payload);
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.body.type, 4);
    assert.equal(answer.body.data.flags, 64);
    assert.deepEqual(answer.body.data.allowed_mentions, { parse: [] });
    assert.ok(isRefusal(answer.body.data.content), answer.text);
    assert.match(answer.body.data.content, expected);
  }

  await t.test("a member without Manage Server", async () => {
    const payload = await forged(world, (it) => (it.member.permissions = String(BigInt(it.member.permissions) & ~(MANAGE_GUILD | 8n))));
    await mustRefuse(payload, /Manage Server/);
  });
  await t.test("a member of whom Discord says nothing", async () => {
    await mustRefuse(await forged(world, (it) => delete it.member.permissions), /Manage Server/);
  });
  await t.test("an administrator may", async () => {
    const answer = await world.post(await forged(world, (it) => (it.member.permissions = "8")));
    assert.ok(!isRefusal(answer.body.data.content), answer.text);
  });
  await t.test("in a direct message", async () => {
    const payload = await forged(world, (it) => {
      it.user = it.member.user;
      for (const key of ["member", "guild_id", "guild", "guild_locale"]) delete it[key];
    });
    await mustRefuse(payload, /server|guild/i);
  });
  await t.test("a guild that was not configured", async () => {
    const payload = await forged(world, (it) => (it.guild_id = "4242424242424242"));
    await mustRefuse(payload, /DBCORD_GUILD_ID|configured/);
  });
  await t.test("a command that does not exist", async () => {
    await mustRefuse(await forged(world, (it) => (it.data.name = "dbc_nothing")), /dbc_nothing/);
  });
  await t.test("nobody who was refused changed anything", async () => {
    assert.deepEqual(guildChanges(before, await world.state()), []);
  });
});

test("several guilds, each with a database of its own", async (t) => {
  const world = await startWorld(t);
  const other = await world.simulator.createGuild({ name: "Other" });
  world.configuration.DBCORD_GUILD_ID = `${world.guild.guild_id}, ${other.guild_id}`;
  await world.restart();
  await world.register(other.guild_id);
  await world.ok("/dbc_init database:prod");
  await world.refused("/dbc_inspect database:prod", { guild_id: other.guild_id });
  await world.ok("/dbc_init database:prod", { guild_id: other.guild_id });
  assert.ok(findCategory(await world.simulator.guild(other.guild_id), "dbcord-prod"));
});

test("members cannot see a private database", async (t) => {
  const world = await startWithTable(t);
  const state = await world.state();
  const channels = [findCategory(state, "dbcord-prod"), ...["dbc-log", "dbc-catalog", "table-users"].map((name) => findChannel(state, name))];
  for (const channel of channels) {
    const everyone = channel.permission_overwrites.find((over) => over.id === world.guild.guild_id);
    assert.ok(everyone && BigInt(everyone.deny) & VIEW_CHANNEL, `@everyone sees ${channel.name}`);
    const bot = channel.permission_overwrites.find((over) => over.id === world.simulator.bot_user_id);
    assert.ok(bot && BigInt(bot.allow) & VIEW_CHANNEL, `the bot is locked out of ${channel.name}`);
  }
  const { status } = await world.simulator.act(world.guild.users.member, "GET", `/channels/${channels[1].id}/messages`);
  assert.equal(status, 403);
});

test("members can see a database that is not private", async (t) => {
  const world = await startWorld(t);
  await world.ok("/dbc_init database:open private:false");
  const log = findChannel(await world.state(), "dbc-log");
  const { status } = await world.simulator.act(world.guild.users.member, "GET", `/channels/${log.id}/messages`);
  assert.equal(status, 200);
  const written = await world.simulator.act(world.guild.users.member, "POST", `/channels/${log.id}/messages`, { content: "hello" });
  assert.equal(written.status, 403, "a member can write into the commit log");
});
