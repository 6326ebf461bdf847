// One recorded exchange against Discord's document: what was wrong with the request, and what with the answer.
import { isDeepStrictEqual } from "node:util";

const USER_AGENT = /^DiscordBot \(https?:\/\/[^\s,()]+, [^\s,()]+\)( .+)?$/;
const CALLBACK = "/interactions/{interaction_id}/{interaction_token}/callback";
const CREATES_MESSAGE = ["/channels/{channel_id}/messages", "/webhooks/{webhook_id}/{webhook_token}"];
const EDITS_MESSAGE = ["/channels/{channel_id}/messages/{message_id}", "/webhooks/{webhook_id}/{webhook_token}/messages/@original"];

/** Every problem of the exchange: `{ side: "request" | "response", text }`. Empty when all is as Discord's document says. */
export function problemsOf(api, exchange) {
  if (exchange.direction === "interaction") return interactionProblems(api, exchange);
  if (exchange.direction === "cdn") return oursToJudge(exchange) ? request(userAgentProblems(exchange)) : [];
  if (exchange.direction !== "rest") return [{ side: "request", text: `the direction ${exchange.direction} is unknown` }];

  const route = api.operation(exchange.method, exchange.path.split("?")[0]);
  if (route.problem) return oursToJudge(exchange) ? request([route.problem]) : [];
  return [
    ...(oursToJudge(exchange) ? request(requestProblems(api, route, exchange)) : []),
    ...responseProblems(api, route, exchange).map((text) => ({ side: "response", text })),
  ];
}

/** Requests by the Worker and the tools. What a test sends as a person, or with a wrong token on purpose, is `other`. */
function oursToJudge({ authorization }) {
  return authorization === "bot" || authorization === "none";
}

const request = (texts) => texts.map((text) => ({ side: "request", text }));

function requestProblems(api, route, exchange) {
  return [
    ...userAgentProblems(exchange),
    ...Object.entries(route.pathValues).flatMap(([name, value]) => {
      const parameter = route.parameters.find((candidate) => candidate.in === "path" && candidate.name === name);
      return parameter ? parameterProblems(api, parameter, [value]) : [];
    }),
    ...queryProblems(api, route, exchange.path),
    ...bodyProblems(api, route, exchange),
    ...(exchange.authorization === "none" && needsToken(route) ? ["it needs a bot token and carries none"] : []),
  ];
}

function userAgentProblems({ user_agent: agent }) {
  return USER_AGENT.test(agent ?? "") ? [] : [`the User-Agent must be "DiscordBot (url, version)", not ${JSON.stringify(agent)}`];
}

function needsToken({ operation }) {
  return (operation.security?.length ?? 0) > 0 && !operation.security.some((way) => Object.keys(way).length === 0);
}

function queryProblems(api, route, path) {
  const query = new URLSearchParams(path.split("?")[1] ?? "");
  const known = route.parameters.filter((parameter) => parameter.in === "query");
  const missing = known.filter((parameter) => parameter.required && !query.has(parameter.name));
  return [
    ...missing.map((parameter) => `the query parameter ${parameter.name} is missing`),
    ...[...new Set(query.keys())].flatMap((name) => {
      const parameter = known.find((candidate) => candidate.name === name);
      return parameter ? parameterProblems(api, parameter, query.getAll(name)) : [`the query parameter ${name} is not in Discord's document`];
    }),
  ];
}

/** A parameter is text on the wire: it fits when one of the readings of that text fits. */
function parameterProblems(api, parameter, texts) {
  const single = texts.length === 1 ? readings(texts[0]) : [];
  const candidates = [...single, ...(texts.every((text) => readings(text).length > 1) ? [texts.map((text) => readings(text)[1])] : []), texts];
  if (candidates.some((candidate) => api.fits(parameter.schema, candidate))) return [];
  return api.mismatches(parameter.schema, single[1] ?? single[0] ?? texts).map((text) => `${parameter.in} parameter ${parameter.name}: ${text}`);
}

function readings(text) {
  if (text === "true" || text === "false") return [text, text === "true"];
  return /^-?\d+(\.\d+)?$/.test(text) ? [text, Number(text)] : [text];
}

function bodyProblems(api, { template, method, operation }, exchange) {
  const { request: body, content_type: contentType, files = [], fault } = exchange;
  // Where a fault struck before the simulator read the body, there is none to look at.
  if (fault && (body === null || body === undefined)) return [];
  const content = operation.requestBody && api.resolve(operation.requestBody).content;
  if (!content) return body === null || body === undefined ? [] : [`${method} ${template} takes no body`];
  if (body === null || body === undefined) return operation.requestBody.required ? ["the body is missing"] : [];

  const type = (contentType ?? "").split(";")[0].trim().toLowerCase();
  const schema = content[type]?.schema;
  if (!schema) return [`the content type ${JSON.stringify(contentType)} is not among ${Object.keys(content).join(", ")}`];
  return [
    ...api.mismatches(schema, body),
    ...api.unknownFields(schema, body).map((path) => `${path} is not a field in Discord's document`),
    ...fileProblems(type, body, files),
    ...mentionProblems(template, method, body),
  ];
}

function fileProblems(type, body, files) {
  if (files.length > 0 && type !== "multipart/form-data") return ["files came without multipart/form-data"];
  const problems = files.filter((file) => !/^files\[\d\]$/.test(file.field)).map((file) => `the part ${file.field} is not files[n]`);
  const uploaded = (body.attachments ?? []).filter((entry) => /^\d$/.test(String(entry.id)));
  for (const entry of uploaded) {
    if (!files.some((file) => file.field === `files[${entry.id}]`)) problems.push(`attachments names ${entry.id}, but there is no part files[${entry.id}]`);
  }
  return problems;
}

/** A stored row may hold `@everyone`: no message of ours may ever ping. */
function mentionProblems(template, method, body) {
  const creates = method === "POST" && CREATES_MESSAGE.includes(template);
  const edits = method === "PATCH" && EDITS_MESSAGE.includes(template) && typeof body.content === "string";
  if (!creates && !edits) return [];
  return isDeepStrictEqual(body.allowed_mentions, { parse: [] }) ? [] : ['it must carry "allowed_mentions": {"parse": []}'];
}

function responseProblems(api, { operation, method, template }, exchange) {
  const { status, response, fault } = exchange;
  // A fault that a test asked for is not the simulator's own answer.
  if (fault || status === null) return [];
  const known = operation.responses[status] ?? operation.responses[`${String(status)[0]}XX`];
  if (!known) return [`${method} ${template} does not answer ${status}`];
  const { content, headers } = api.resolve(known);
  const schema = content?.["application/json"]?.schema;
  if (!schema) return response === null || response === undefined ? [] : [`an answer ${status} has no body`];
  return [...api.mismatches(schema, response).map((text) => `${status}: ${text}`), ...headerProblems(api, headers ?? {}, exchange)];
}

function headerProblems(api, headers, exchange) {
  const given = Object.fromEntries(Object.entries(exchange.response_headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
  return Object.entries(headers).flatMap(([name, header]) => {
    const value = given[name.toLowerCase()];
    const schema = api.resolve(header).schema;
    if (value === undefined || !schema) return [];
    return parameterProblems(api, { in: "header", name, schema }, [String(value)]);
  });
}

/** Which kinds of first answer suit which kind of interaction (ping, command, component, autocomplete, modal). */
const SUITABLE = { 1: [1], 2: [4, 5, 9], 3: [4, 5, 6, 7, 9], 4: [8], 5: [4, 5, 6, 7] };

function interactionProblems(api, { request: sent, response, status }) {
  // Anything but 200 is a refusal, such as the 401 that Discord's badly signed probes must get.
  if (status !== 200) return [];
  const { operation } = api.operation("POST", CALLBACK.replace(/\{[^}]*\}/g, "0"));
  const schema = operation.requestBody.content["application/json"].schema;
  const problems = api.mismatches(schema, response);
  if (problems.length === 0) problems.push(...api.unknownFields(schema, response).map((path) => `${path} is not a field in Discord's document`));
  const suitable = SUITABLE[sent?.type] ?? [];
  if (!suitable.includes(response?.type)) problems.push(`an interaction of type ${sent?.type} cannot be answered with type ${response?.type}`);
  if (response?.type === 4 && !isDeepStrictEqual(response.data?.allowed_mentions, { parse: [] })) problems.push('it must carry "allowed_mentions": {"parse": []}');
  return problems.map((text) => ({ side: "response", text }));
}
