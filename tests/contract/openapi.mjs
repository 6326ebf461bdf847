// Discord's OpenAPI document as something to ask: which operation is this, and does this value fit its schema?
import Ajv from "ajv/dist/2020.js";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const METHODS = ["get", "put", "post", "patch", "delete"];

export const HOW_TO_GET_IT =
  "Discord's OpenAPI document is not here: get openapi.json from github.com/discord/discord-api-spec (specs/openapi.json), " +
  "and let $DISCORD_OPENAPI name it";

/** Where the document is, or undefined: where $DISCORD_OPENAPI says, else in a folder `shared` beside the checkout. */
export function findDocument() {
  const beside = fileURLToPath(new URL("../../../shared/discord/openapi.json", import.meta.url));
  return [process.env.DISCORD_OPENAPI, beside].find((file) => file && existsSync(file));
}

export function loadDocument(file) {
  return new OpenApi(JSON.parse(readFileSync(file, "utf8")));
}

class OpenApi {
  constructor(document) {
    // Discord marks as `oneOf` what its own validator takes as the first that fits: with open schemas several
    // branches often fit one value, so every `oneOf` is read as `anyOf`.
    this.document = JSON.parse(JSON.stringify(document), (key, value) => {
      if (!value || typeof value !== "object" || !Array.isArray(value.oneOf)) return value;
      const { oneOf, ...rest } = value;
      return rest.anyOf ? { ...rest, allOf: [...(rest.allOf ?? []), { anyOf: oneOf }] } : { ...rest, anyOf: oneOf };
    });
    correct(this.document);
    this.routes = Object.entries(this.document.paths).map(([template, item]) => ({ template, item, segments: template.split("/") }));
    this.ajv = new Ajv({ strict: false, allErrors: true, verbose: true, validateFormats: true, formats: FORMATS, logger: false });
    this.ajv.addSchema(this.document, "discord");
    this.validators = new Map();
  }

  /**
   * The operation that a request names: `{ template, method, operation, parameters, pathValues }`, or `{ problem }`.
   * Where several templates fit (`/users/@me` and `/users/{user_id}`) the one with the most fixed segments counts.
   */
  operation(method, path) {
    const segments = path.split("/");
    const fits = this.routes.filter(
      (route) => route.segments.length === segments.length && route.segments.every((part, i) => isVariable(part) || part === segments[i]),
    );
    if (fits.length === 0) return { problem: `the path ${path} is not in Discord's document` };
    const variables = (route) => route.segments.filter(isVariable).length;
    const { template, item, segments: parts } = fits.sort((a, b) => variables(a) - variables(b))[0];
    const operation = item[method.toLowerCase()];
    if (!operation || !METHODS.includes(method.toLowerCase())) return { problem: `${method} is not a method of ${template}` };
    const pathValues = Object.fromEntries(parts.flatMap((part, i) => (isVariable(part) ? [[part.slice(1, -1), decodeURIComponent(segments[i])]] : [])));
    const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((parameter) => this.resolve(parameter));
    return { template, method, operation, parameters, pathValues };
  }

  /** What is wrong with the value by this schema, as sentences. */
  mismatches(schema, value, at = "") {
    const validate = this.validator(schema);
    if (validate(value)) return [];
    const errors = validate.errors;
    const [union] = errors.filter((error) => error.keyword === "anyOf").sort((a, b) => a.instancePath.length - b.instancePath.length);
    const outside = errors.filter((error) => !union || !error.instancePath.startsWith(union.instancePath));
    const sentences = outside.map((error) => sentence(error, at));
    return [...new Set([...sentences, ...(union ? this.nearestBranch(union, at) : [])])].slice(0, 6);
  }

  /** Of a union that does not fit, what is wrong by the branch that was most likely meant. */
  nearestBranch({ schema: branches, data, instancePath }, at) {
    const place = at + instancePath;
    const complaints = branches.map((branch) => this.mismatches(branch, data, place));
    const otherKind = (texts) => texts.some((text) => text.startsWith(`${place}/type `) || text.startsWith(`${place || "(the whole)"} must be `));
    return complaints.sort((a, b) => otherKind(a) - otherKind(b) || a.length - b.length)[0];
  }

  fits(schema, value) {
    return this.validator(schema)(value);
  }

  validator(schema) {
    const key = JSON.stringify(schema);
    if (!this.validators.has(key)) this.validators.set(key, this.ajv.compile(absolute(schema)));
    return this.validators.get(key);
  }

  resolve(node) {
    if (!node?.$ref) return node;
    const found = node.$ref.replace(/^#\//, "").split("/").reduce((at, part) => at?.[part.replaceAll("~1", "/").replaceAll("~0", "~")], this.document);
    if (found === undefined) throw new Error(`${node.$ref} is not in the document`);
    return this.resolve(found);
  }

  /** The fields of a value that its schema lists nowhere, as paths: typos, which open schemas let pass. */
  unknownFields(schema, value, at = "") {
    if (Array.isArray(value)) {
      return value.flatMap((item, i) => this.leastUnknown(schema, value, (part) => (part.items ? this.unknownFields(part.items, item, `${at}/${i}`) : null)));
    }
    if (value === null || typeof value !== "object") return [];
    return Object.entries(value).flatMap(([name, inside]) =>
      this.leastUnknown(schema, value, (part) => {
        if (part.properties?.[name]) return this.unknownFields(part.properties[name], inside, `${at}/${name}`);
        if (part.additionalProperties && typeof part.additionalProperties === "object") {
          return this.unknownFields(part.additionalProperties, inside, `${at}/${name}`);
        }
        return part.properties && part.additionalProperties !== true ? [`${at}/${name}`] : null;
      }),
    );
  }

  /** Asks every part of a schema that speaks about this value, and takes the answer with the fewest complaints. */
  leastUnknown(schema, value, ask) {
    const answers = this.partsFor(schema, value)
      .map(ask)
      .filter((answer) => answer !== null);
    return answers.sort((a, b) => a.length - b.length)[0] ?? [];
  }

  partsFor(schema, value) {
    const resolved = this.resolve(schema);
    const branches = [...(resolved.allOf ?? []), ...(resolved.anyOf ?? []).filter((branch) => this.fits(branch, value))];
    return [resolved, ...branches.flatMap((branch) => this.partsFor(branch, value))];
  }
}

/**
 * Where the document (a preview) says otherwise than Discord's reference and Discord itself:
 * - the innermost errors of a form error carry words as codes, such as BASE_TYPE_MAX_LENGTH (reference, "Error Messages");
 * - sets of permissions are strings of digits (topic "Permissions": "serialized as strings"), in requests too, where
 *   the document has integers, which JSON could not hold beyond 53 bits.
 */
function correct(document) {
  const inner = document.components.schemas.InnerErrors?.properties?._errors;
  if (inner) inner.items = { type: "object", properties: { code: { type: "string" }, message: { type: "string" } }, required: ["code", "message"] };
  for (const schema of Object.values(document.components.schemas)) {
    for (const name of ["allow", "deny", "default_member_permissions", "permissions"]) {
      const field = schema.properties?.[name];
      if ([field?.type].flat().includes("integer")) schema.properties[name] = { anyOf: [field, { type: "string", pattern: "^[0-9]+$" }] };
    }
  }
}

const isVariable = (segment) => segment.startsWith("{");

/** The same schema, with its references made to name the document. */
function absolute(schema) {
  return JSON.parse(JSON.stringify(schema), (key, value) => (key === "$ref" && value.startsWith("#") ? `discord${value}` : value));
}

function sentence({ instancePath, message, params, keyword }, at) {
  const detail = { const: params?.allowedValue, enum: params?.allowedValues }[keyword];
  return `${at + instancePath || "(the whole)"} ${message}${detail === undefined ? "" : ` ${JSON.stringify(detail)}`}`;
}

const SNOWFLAKE_MAX = 2n ** 63n - 1n;
const FORMATS = {
  int32: { type: "number", validate: (n) => Number.isInteger(n) && n >= -(2 ** 31) && n < 2 ** 31 },
  int64: { type: "number", validate: Number.isInteger },
  double: { type: "number", validate: Number.isFinite },
  nonce: (text) => text.length <= 25,
  snowflake: (text) => /^\d{1,20}$/.test(text) && BigInt(text) <= SNOWFLAKE_MAX,
  uri: (text) => URL.canParse(text),
  // Discord writes both `+00:00` and `Z`.
  "date-time": (text) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text)),
};
