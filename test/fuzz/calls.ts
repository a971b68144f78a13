import fc from "fast-check";
import type { OpenAPIV3 } from "openapi-types";
import { resolve, type OperationId } from "../../src/http/contract/openapi-document.js";
import {
  content,
  document,
  documentedOperations,
  managedImageBody,
  powerShellBody,
  snapshotsBody,
} from "../unit/http/contract/document.js";
import { hostileText, hostileValue, nearly } from "./hostile-values.js";
import { valuesOf } from "./schema-values.js";

/** One call of an operation, as the functions host would hand it over. */
export interface Call {
  readonly operationId: OperationId;
  readonly method: string;
  readonly token: string;
  readonly params: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [string, string])[];
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined: none. */
  readonly body: Uint8Array | undefined;
  readonly url: string;
}

/** Names of the tokens that the test has; most calls come from who may do them. */
export const TOKENS = [
  "writer",
  "reader",
  "person",
  "stranger",
  "nobody",
  "expired",
  "forged",
  "absent",
] as const;

const token = fc.oneof(
  { weight: 20, arbitrary: fc.constant("writer") },
  { weight: 3, arbitrary: fc.constantFrom<string>(...TOKENS) },
  // What a header can hold: no line end, and no code above 255.
  {
    weight: 1,
    arbitrary: hostileText.map((text) => headerText(`Bearer ${text}`)),
  },
);

/** Values that meet each other again and again, so that calls come upon what others have stored. */
const FAMILIAR: Readonly<Record<string, readonly string[]>> = {
  subscriptionId: ["00000000-0000-0000-0000-000000000000"],
  resourceGroupName: ["MyResourceGroup"],
  galleryName: ["MyGallery"],
  imageName: ["MyImage"],
  versionName: ["1.0.0", "1.9.0"],
};

/** The first two are refused by no rule: one of them after the other is a conflict. */
export const SAMPLES = [
  managedImageBody,
  { ...managedImageBody, tags: { build: "7" } },
  snapshotsBody,
  powerShellBody,
];

/** A body for an operation: as a client would send it, nearly so, and as nobody should. */
function bodiesOf(schema: OpenAPIV3.SchemaObject): fc.Arbitrary<Uint8Array> {
  const takesImageVersion = schema.properties?.["location"] !== undefined;
  const samples = takesImageVersion ? fc.constantFrom<unknown>(...SAMPLES) : valuesOf(schema);
  const json = (values: fc.Arbitrary<unknown>) =>
    values.map((value) => Buffer.from(JSON.stringify(value) ?? ""));
  const sampleText = json(samples);
  return fc.oneof(
    { weight: 10, arbitrary: sampleText },
    { weight: 3, arbitrary: json(valuesOf(schema)) },
    { weight: 5, arbitrary: json(nearly(samples)) },
    { weight: 3, arbitrary: json(nearly(valuesOf(schema))) },
    { weight: 1, arbitrary: json(hostileValue) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(sampleText, fc.nat(), fc.uint8Array({ maxLength: 4 }))
        .map(([text, at, bytes]) =>
          Buffer.concat([text.subarray(0, at % (text.length + 1)), bytes]),
        ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        Buffer.from('{"location":"westus","location":"eastus"}'),
        Buffer.from(`${"[".repeat(500)}${"]".repeat(500)}`),
        Buffer.from(`[${"0,".repeat(20_000)}0]`),
        Buffer.from(`{"a":${"9".repeat(400)}}`),
        Buffer.from('\uFEFF{"location":"westus"}'),
        Buffer.from('"\\ud800"'),
        Buffer.alloc(300_000, "x"),
      ),
    },
  );
}

function callsOf(template: string, method: string, operationId: OperationId): fc.Arbitrary<Call> {
  const { parameters, bodySchema } = document.operation(operationId);
  const inPlace = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const textOf = (parameter: OpenAPIV3.ParameterObject) =>
    valuesOf(parameter.schema ?? {}).map(String);
  return fc
    .record({
      token,
      params: fc.record(
        Object.fromEntries(
          inPlace("path").map((parameter) => [
            parameter.name,
            fc.oneof(
              {
                weight: 30,
                arbitrary:
                  FAMILIAR[parameter.name] === undefined
                    ? textOf(parameter)
                    : fc.constantFrom(...(FAMILIAR[parameter.name] ?? [])),
              },
              { weight: 1, arbitrary: textOf(parameter) },
              { weight: 1, arbitrary: hostileText },
            ),
          ]),
        ),
      ),
      query: fc.array(
        fc.oneof(
          ...inPlace("query").map((parameter) =>
            fc.tuple(
              fc.constant(parameter.name),
              fc.oneof(
                { weight: 4, arbitrary: textOf(parameter) },
                { weight: 1, arbitrary: hostileText },
              ),
            ),
          ),
          fc.tuple(hostileText, hostileText),
        ),
        { maxLength: 3, size: "-1" },
      ),
      headers: fc.record(
        {
          "content-type": fc.oneof(
            {
              weight: 40,
              arbitrary: fc.constantFrom("application/json", "application/json; charset=utf-8"),
            },
            { weight: 1, arbitrary: headerValues },
          ),
          "content-encoding": fc.constantFrom("gzip", "identity", "br"),
          "content-length": fc.constantFrom("0", "12", "-1", "1e9", "x"),
          traceparent: headerValues,
          tracestate: headerValues,
          origin: headerValues,
          "idempotency-key": fc.oneof(
            { weight: 8, arbitrary: fc.constantFrom("key-1", "key-2") },
            { weight: 1, arbitrary: headerValues },
          ),
        },
        { requiredKeys: bodySchema === undefined ? [] : ["content-type"] },
      ),
      rare: fc.nat({ max: 9 }),
      body: bodySchema === undefined ? fc.constant(undefined) : bodiesOf(bodySchema),
    })
    .map(({ query, headers, rare, body, params, ...call }) => {
      const { "content-type": type, "idempotency-key": key } = headers;
      return {
        ...call,
        operationId,
        method: method.toUpperCase(),
        params,
        // Most calls have what they need and no more: else few would come to more than the first door.
        query: rare === 0 ? query : query.filter(() => rare < 3).slice(0, 1),
        headers: Object.fromEntries(
          Object.entries(
            rare < 2 ? headers : { "content-type": type, "idempotency-key": key },
          ).filter((entry): entry is [string, string] => entry[1] !== undefined),
        ),
        body: body,
        url: urlOf(template, params, rare < 3 ? query : []),
      };
    });
}

const headerValues = hostileText.map(headerText);

function headerText(text: string): string {
  return text.replace(/[^\t\x20-\x7E\x80-\xFF]/gu, "?").trim();
}

function urlOf(
  template: string,
  params: Readonly<Record<string, string>>,
  query: readonly (readonly [string, string])[],
): string {
  const path = template.replace(/\{([^}]+)\}/gu, (_, name: string) =>
    encodeURIComponent(wellFormed(params[name] ?? "")),
  );
  const search = new URLSearchParams(query.map(([...pair]) => pair));
  return `https://sigil.example/api${path}?${search.toString()}`;
}

/** Without halves of surrogate pairs, which no URL can hold. */
function wellFormed(text: string): string {
  return Buffer.from(text, "utf8").toString("utf8");
}

/** A call of any operation; those that write come more often than the others. */
export const calls: fc.Arbitrary<Call> = fc.oneof(
  ...documentedOperations().map(({ template, method, operation }) => ({
    weight:
      operation.operationId === "putImageVersion"
        ? 20
        : operation.requestBody === undefined
          ? 1
          : 4,
    arbitrary: callsOf(template, method, operation.operationId),
  })),
);

/** What is asked of no operation: any method and any path. */
export const strayCalls = fc.record({
  method: fc.constantFrom("GET", "PUT", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"),
  url: fc.oneof(
    fc.constantFrom(...Object.keys(content.paths)).map((template) => urlOf(template, {}, [])),
    fc
      .array(hostileText, { maxLength: 4 })
      .map((segments) =>
        urlOf(
          segments.map((_, i) => `/{${i}}`).join(""),
          Object.fromEntries(segments.entries()),
          [],
        ),
      ),
  ),
  headers: fc.record(
    {
      origin: fc.oneof(fc.constant("https://portal.example"), headerValues),
      "access-control-request-method": fc.oneof(fc.constant("PUT"), headerValues),
    },
    { requiredKeys: [] },
  ),
});

/** Bodies of the PUT, as parsed values, for messages. */
export const imageVersionBodies: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...SAMPLES),
  valuesOf(imageVersionSchema()),
  nearly(fc.constantFrom<unknown>(managedImageBody, snapshotsBody)),
  nearly(valuesOf(imageVersionSchema())),
  hostileValue,
);

function imageVersionSchema(): OpenAPIV3.SchemaObject {
  const { bodySchema } = document.operation("putImageVersion");
  if (bodySchema === undefined) throw new TypeError("a PUT has a body");
  return resolve(content, bodySchema);
}
