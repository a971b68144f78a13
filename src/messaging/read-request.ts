/** Reads a message of `image-version-requests` and finds every error in it. Has no effects. */
import { ServiceError, type Finding } from "../errors.js";
import type { ImageVersionRequest, PutImageVersion } from "../image-version/index.js";
import { parseJson, requireBodySize } from "../json/parse-json.js";
import type { EventReference } from "../operation/records.js";
import { parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import type { TestResultReport } from "../test-results/contract.js";
import type { ReportTestResult } from "../test-results/report.js";
import { readCloudEventRequest, shown, type CloudEventRequest } from "./cloud-event-request.js";
import { LARGEST_PROPERTIES_BYTES, type IncomingMessage } from "./incoming-message.js";

/** Every error in a body, and the body without its read-only members. */
export type Validate = (body: unknown) => {
  readonly value: unknown;
  readonly findings: readonly Finding[];
  readonly pasted?: boolean;
};

export type Content = Pick<IncomingMessage, "bytes" | "applicationProperties">;

/** The request of a message, as far as it can be read; `error`: why not all of it. */
export interface ReadRequest {
  readonly event: CloudEventRequest | undefined;
  readonly error?: ServiceError;
}

export function readRequest({ bytes, applicationProperties }: Content): ReadRequest {
  let body: unknown;
  let error: ServiceError | undefined;
  try {
    requireBodySize(bytes.length);
    requirePropertiesSize(applicationProperties);
    body = parseJson(bytes);
  } catch (thrown) {
    if (!(thrown instanceof ServiceError)) throw thrown;
    error = thrown;
  }
  // In binary mode the attributes name the request even if its body cannot be read.
  const read = readCloudEventRequest(body, applicationProperties);
  if ("event" in read) return { event: read.event, ...(error && { error }) };
  return { event: undefined, error: error ?? invalid(read.findings) };
}

function requirePropertiesSize(properties: IncomingMessage["applicationProperties"]): void {
  const bytes = Buffer.byteLength(JSON.stringify(properties));
  if (bytes > LARGEST_PROPERTIES_BYTES)
    throw new ServiceError(
      "PayloadTooLarge",
      `The application properties have ${bytes} bytes in total; at most ${LARGEST_PROPERTIES_BYTES} are allowed.`,
      { fields: { maxBytes: LARGEST_PROPERTIES_BYTES } },
    );
}

/** The type of a message that reports a test result. All others request an image version. */
const TEST_RESULT = "Sigil.TestResult";

export function reportsTestResult(
  request: ReadRequest,
): request is { readonly event: CloudEventRequest } {
  return request.error === undefined && request.event?.type === TEST_RESULT;
}

export function reportOf(
  validate: Validate,
  event: CloudEventRequest,
  traceparent: string,
): ReportTestResult {
  const { id, value } = dataOf(event, validate(event.data));
  const report = value as TestResultReport;
  const { time } = event;
  // Which of two results counts must not depend on when a message is delivered.
  if (report.time === undefined && (time === undefined || Number.isNaN(Date.parse(time))))
    throw invalid([
      {
        code: "MissingProperty",
        pointer: event.dataPointer === "" ? "" : "/time",
        message:
          "The CloudEvent attribute time, or `time` in its data, must be the time when the result was found, in RFC 3339.",
      },
    ]);
  return {
    id,
    report,
    ...(time !== undefined && { time }),
    reportedBy: { source: event.source },
    traceparent,
    request: referenceOf(event),
  };
}

export function commandOf(
  validate: Validate,
  { event, error }: ReadRequest,
  traceparent: string,
): PutImageVersion & { readonly event: EventReference } {
  if (error !== undefined) throw error;
  if (event === undefined) throw invalid([]);
  const body = validate(event.data);
  const { id } = dataOf(event, body);
  return {
    id,
    body: body.value as ImageVersionRequest,
    ...(body.pasted === true && { pasted: true }),
    requestedBy: { source: event.source },
    traceparent,
    // CloudEvents 1.0, "source + id is unique": a message that comes again, however late, is the
    // same request.
    idempotencyKey: JSON.stringify([event.source, event.id]),
    event: { source: event.source, id: event.id },
  };
}

/** The version that an event names, and its valid data. Throws InvalidRequest with every error. */
function dataOf(
  event: CloudEventRequest,
  body: { readonly value: unknown; readonly findings: readonly Finding[] },
): { readonly id: ImageVersionId; readonly value: unknown } {
  const id = parseImageVersionId(event.subject);
  const findings = event.unreadable
    ? [event.unreadable]
    : body.findings.map((finding) => ({
        ...finding,
        pointer: `${event.dataPointer}${finding.pointer}`,
      }));
  if (id === undefined || findings.length > 0) {
    throw invalid([
      ...(id === undefined
        ? [invalidId(event.dataPointer === "" ? "" : "/subject", event.subject)]
        : []),
      ...findings,
    ]);
  }
  return { id, value: body.value };
}

export function invalidId(pointer: string, id: string): Finding {
  return {
    code: "InvalidResourceId",
    pointer,
    message: `${pointer === "/resourceId" ? "The id" : "The subject"} "${shown(id)}" is not an image version's id. Write /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/galleries/{name}/images/{name}/versions/{1.0.0}.`,
  };
}

export function invalid(findings: readonly Finding[]): ServiceError {
  return new ServiceError(
    "InvalidRequest",
    `${findings.length} error${findings.length === 1 ? " was" : "s were"} found in the message.`,
    { findings },
  );
}

export function referenceOf({ source, id }: EventReference): EventReference {
  return { source, id };
}

/** The request's own source and id, if it has them. */
export function referenceIn(message: Content): EventReference | undefined {
  const { event } = readRequest(message);
  return event && referenceOf(event);
}
