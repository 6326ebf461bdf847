// That the contract check finds what is wrong: each case is a good exchange with one thing spoilt.
import assert from "node:assert/strict";
import test, { describe } from "node:test";
import { problemsOf } from "./exchange.mjs";
import { HOW_TO_GET_IT, findDocument, loadDocument } from "./openapi.mjs";

const document = findDocument();
const api = document && loadDocument(document);
const skip = document ? false : HOW_TO_GET_IT;

const ID = "1188000000000000001";
const CHANNEL = `/channels/${ID}/messages`;
const AUTHOR = { id: ID, username: "dbcord", discriminator: "0001", avatar: null, public_flags: 0, flags: 0, global_name: null, primary_guild: null };
const MESSAGE = {
  id: ID,
  channel_id: ID,
  type: 0,
  content: "hello",
  author: AUTHOR,
  mentions: [],
  mention_roles: [],
  mention_everyone: false,
  attachments: [],
  embeds: [],
  components: [],
  timestamp: "2026-01-01T00:00:00.000000+00:00",
  edited_timestamp: null,
  flags: 0,
  pinned: false,
  tts: false,
};

const create = (changes = {}) => ({
  n: 1,
  direction: "rest",
  method: "POST",
  path: CHANNEL,
  authorization: "bot",
  user_agent: "DiscordBot (https://example.com/dbcord, 0.1.0)",
  content_type: "application/json",
  request: { content: "hello", allowed_mentions: { parse: [] }, nonce: "abc", enforce_nonce: true },
  files: [],
  status: 200,
  response_headers: { "x-ratelimit-limit": "5", "x-ratelimit-remaining": "4", "x-ratelimit-reset-after": "0.5" },
  response: MESSAGE,
  fault: null,
  ...changes,
});
const body = (changes) => create({ request: { ...create().request, ...changes } });
const list = (query, changes = {}) => create({ method: "GET", path: CHANNEL + query, content_type: null, request: null, response: [MESSAGE], ...changes });
const interaction = (type, response, changes = {}) => ({ n: 1, direction: "interaction", request: { type }, response, status: 200, ...changes });
const reply = (data) => ({ type: 4, data: { content: "done", flags: 64, allowed_mentions: { parse: [] }, ...data } });

describe("good exchanges pass", { skip }, () => {
  const good = {
    "a message": create(),
    "a message with a file": {
      ...body({ attachments: [{ id: "0", filename: "a.json" }] }),
      content_type: "multipart/form-data; boundary=x",
      files: [{ field: "files[0]", filename: "a.json", size: 3 }],
    },
    "a list with a query": list(`?limit=100&after=${ID}`),
    "an error": create({ status: 403, response: { code: 50013, message: "Missing Permissions" } }),
    "a form error": create({
      status: 400,
      response: { code: 50035, message: "Invalid Form Body", errors: { content: { _errors: [{ code: "BASE_TYPE_MAX_LENGTH", message: "Must be 2000 or fewer in length." }] } } },
    }),
    "a rate limit": create({ status: 429, response: { message: "You are being rate limited.", code: 0, retry_after: 0.3, global: false } }),
    "a deletion": create({ method: "DELETE", path: `${CHANNEL}/${ID}`, content_type: null, request: null, status: 204, response: null }),
    "a lost request": create({ fault: "lost_request", status: null, response: null }),
    "an outage that a test asked for": create({ fault: "status", status: 503, response: null }),
    "a pong": interaction(1, { type: 1 }),
    "a refused probe": interaction(1, { error: "bad signature" }, { status: 401 }),
    "a reply": interaction(2, reply({})),
    "a deferral": interaction(2, { type: 5, data: { flags: 64 } }),
    "choices": interaction(4, { type: 8, data: { choices: [{ name: "users", value: "users" }] } }),
    "what a person sends wrongly": create({ authorization: "other", user_agent: "curl", request: { contents: 1 }, status: 400, response: { code: 50006, message: "Cannot send an empty message" } }),
  };
  for (const [name, exchange] of Object.entries(good)) test(name, () => assert.deepEqual(problemsOf(api, exchange), []));
});

describe("wrong requests are found", { skip }, () => {
  const wrong = {
    "an unknown path": [create({ path: "/channel/1/messages" }), /not in Discord's document/],
    "an unknown method": [create({ path: `/channels/${ID}/messages/bulk-delete`, method: "PUT" }), /PUT is not a method/],
    "a path with a word for an id": [create({ path: "/channels/general/messages" }), /channel_id/],
    "a number out of range": [list("?limit=101"), /limit.*<= 100/],
    "a query parameter that does not exist": [list("?since=1"), /since is not in/],
    "a body of the wrong type": [body({ content: 5 }), /content must be string/],
    "a nonce that is too long": [body({ nonce: "x".repeat(26) }), /nonce/],
    "a typo in a field": [body({ contents: "x" }), /contents is not a field/],
    "a typo in a nested field": [body({ embeds: [{ titel: "x" }] }), /embeds\/0\/titel is not a field/],
    "too many embeds": [body({ embeds: Array(11).fill({ title: "x" }) }), /embeds must NOT have more than 10/],
    "a missing body": [create({ request: null }), /body is missing/],
    "a body where none belongs": [list("", { request: { limit: 1 }, content_type: "application/json" }), /takes no body/],
    "a wrong content type": [create({ content_type: "text/plain" }), /content type/],
    "a file that is announced but absent": [{ ...body({ attachments: [{ id: "0", filename: "a" }] }), content_type: "multipart/form-data" }, /no part files\[0\]/],
    "no User-Agent": [create({ user_agent: null }), /User-Agent/],
    "another User-Agent": [create({ user_agent: "undici" }), /User-Agent/],
    "no allowed_mentions": [body({ allowed_mentions: undefined }), /allowed_mentions/],
    "allowed_mentions that ping": [body({ allowed_mentions: { parse: ["everyone"] } }), /allowed_mentions/],
    "no token": [create({ authorization: "none" }), /bot token/],
    "no User-Agent towards the attachment host": [{ n: 1, direction: "cdn", method: "GET", path: "/attachments/1/2/a", authorization: "none", user_agent: null }, /User-Agent/],
  };
  for (const [name, [exchange, expected]] of Object.entries(wrong)) test(name, () => found(exchange, "request", expected));
});

describe("wrong answers are found", { skip }, () => {
  const wrong = {
    "a missing field": [create({ response: { ...MESSAGE, timestamp: undefined } }), /timestamp/],
    "a field of the wrong type": [create({ response: { ...MESSAGE, id: 5 } }), /id/],
    "a date that is none": [create({ response: { ...MESSAGE, timestamp: "yesterday" } }), /timestamp/],
    "an error without a code": [create({ status: 400, response: { message: "no" } }), /code/],
    "a rate limit without retry_after": [create({ status: 429, response: { message: "slow down", code: 0, global: false } }), /retry_after/],
    "a status that the operation does not have": [create({ status: 302, response: null }), /does not answer 302/],
    "a body with 204": [create({ method: "DELETE", path: `${CHANNEL}/${ID}`, content_type: null, request: null, status: 204, response: {} }), /no body/],
    "a rate-limit header that is no number": [create({ response_headers: { "X-RateLimit-Limit": "many" } }), /X-RateLimit-Limit/],
    "an outage that nobody asked for": [create({ status: 500, response: null }), /does not answer 500/],
    "an answer to a command of no known type": [interaction(2, { type: 99 }), /./],
    "a pong for a command": [interaction(2, { type: 1 }), /cannot be answered with type 1/],
    "a message for an autocomplete": [interaction(4, reply({})), /cannot be answered with type 4/],
    "a reply that is too long": [interaction(2, reply({ content: "x".repeat(2001) })), /content must NOT have more than 2000/],
    "a reply with a typo": [interaction(2, reply({ ephemeral: true })), /ephemeral is not a field/],
    "a reply that may ping": [interaction(2, { type: 4, data: { content: "x" } }), /allowed_mentions/],
    "too many choices": [interaction(4, { type: 8, data: { choices: Array(26).fill({ name: "a", value: "a" }) } }), /25/],
  };
  for (const [name, [exchange, expected]] of Object.entries(wrong)) test(name, () => found(exchange, "response", expected));
});

function found(exchange, side, expected) {
  const problems = problemsOf(api, exchange).filter((problem) => problem.side === side);
  assert.ok(
    problems.some((problem) => expected.test(problem.text)),
    `expected ${expected}, found ${JSON.stringify(problems)}`,
  );
}
