import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import type { InvocationContext } from "@azure/functions";
import { ServiceError, type Finding } from "../errors.js";
import type { EventData } from "../events/documented-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { findingsInEvent } from "../events/operation-event.js";
import { traceparentOf } from "../events/traceparent.js";
import type { ImageVersionRequest, PutAnswer, PutImageVersion } from "../image-version/index.js";
import type { EventPublisher } from "../operation/ports.js";
import type { EventReference, OperationRecord, Requester } from "../operation/records.js";
import { parseJson, requireBodySize } from "../json/parse-json.js";
import { formatImageVersionId, parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import { audit, type AuditRecord } from "../telemetry/audit.js";
import { POLICY_QUEUES } from "../authorization/gallery-policy.js";
import type { TestResultReport } from "../test-results/contract.js";
import type { ReportTestResult } from "../test-results/report.js";
import type { TestResult } from "../test-results/results.js";
import { readCloudEventRequest, shown, type CloudEventRequest } from "./cloud-event-request.js";
import { consume, type Consumed } from "./consume.js";
import {
  incomingMessage,
  LARGEST_PROPERTIES_BYTES,
  type IncomingMessage,
} from "./incoming-message.js";
import { asSent, postponementOf, type PostponedRequest } from "./postponement.js";

/** A refused request, as it is kept for an operator to correct and send again. */
export interface RejectedRequest {
  /** The same for every delivery of the same message. */
  readonly id: string;
  readonly original: IncomingMessage;
  readonly code: string;
  readonly reason: string;
  readonly errors: readonly Finding[];
}

/** What it takes to take a request. */
export interface TakingDependencies {
  readonly putImageVersion: (command: PutImageVersion) => Promise<PutAnswer>;
  /** The body of a PUT without its read-only members, and every error in it. */
  readonly validateBody: (body: unknown) => {
    readonly value: unknown;
    readonly findings: readonly Finding[];
    readonly pasted?: boolean;
  };
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
}

export interface RequestHandlerDependencies extends TakingDependencies {
  readonly reportTestResult: (command: ReportTestResult) => Promise<TestResult>;
  /** Every error in the body of a POST of a test result. */
  readonly validateTestResult: (body: unknown) => {
    readonly value: unknown;
    readonly findings: readonly Finding[];
  };
  readonly keepRejected: (request: RejectedRequest) => Promise<void>;
  /** Sends the request again, for later. Throws PayloadTooLarge where it cannot be made to fit into a message. */
  readonly postpone: (request: PostponedRequest) => Promise<void>;
  /** The queue's maxDeliveryCount: the delivery after which Service Bus dead-letters a message. */
  readonly maxDeliveryCount: number;
}

/** An event holds 256 KB (Service Bus, Standard tier): a larger original is only in the rejected queue. */
const LARGEST_ORIGINAL_BYTES = 128 * 1024;

/**
 * Makes the handler of `image-version-requests`: the same validation and the same operation as by HTTP. Each request is
 * answered by an event, whatever it is. One that can never be accepted is kept in the rejected queue and told in a
 * `Rejected` event, and its message is completed; a failure that may pass is thrown, so that the message comes again,
 * and postpones it when that did not help. What even the last delivery does not cure is a mistake of ours: it is refused.
 */
export function createRequestHandler(
  deps: RequestHandlerDependencies,
): (body: unknown, context: InvocationContext) => Promise<void> {
  return async (body, context) => {
    const delivered = incomingMessage(body, context);
    const message = asSent(delivered);
    const request = readRequest(message);
    const parent = traceparentOf(request.event?.traceparent, context.traceContext?.traceParent);
    await consume(context, message, parent, {}, async (consumed) => {
      try {
        await answer(deps, message, request, consumed);
      } catch (error) {
        if (!isRetryable(error)) throw error;
        await postpone(deps, delivered, request.event, consumed, error);
      }
    });
  };
}

type Content = Pick<IncomingMessage, "bytes" | "applicationProperties">;

/** What a message asks for, as far as it can be read; `error` where that is not all. */
interface ReadRequest {
  readonly event: CloudEventRequest | undefined;
  readonly error?: ServiceError;
}

function readRequest({ bytes, applicationProperties }: Content): ReadRequest {
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
  // In binary mode the attributes name the request though its body cannot be read.
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

/** The request's own name, where it has one. */
export function referenceIn(message: Content): EventReference | undefined {
  const { event } = readRequest(message);
  return event && referenceOf(event);
}

/** Takes the request of a message that is kept, as one of `requestedBy`; throws what it is refused with. */
export async function putRequest(
  deps: TakingDependencies,
  message: Content,
  traceparent: string,
  requestedBy: Requester,
): Promise<{
  readonly versionId: ImageVersionId;
  readonly request: EventReference;
  readonly answer: PutAnswer;
}> {
  const request = readRequest(message);
  if (reportsTestResult(request))
    throw new ServiceError(
      "InvalidRequest",
      "The message reports a test result instead of requesting an image version. Report it with a POST to the version's /test-results.",
    );
  const command = {
    ...commandOf(deps, request, traceparent),
    requestedBy,
  };
  const answer = await create(deps, command, request.event?.dataPointer);
  await tellAlreadyDone(deps, command, answer);
  return { versionId: command.id, request: command.event, answer };
}

/** What an Admin asks for instead of what was rejected. */
export interface Correction {
  readonly resourceId: string;
  readonly body: unknown;
}

/**
 * The same of a corrected request: planned first, and refused with what the plan finds. `key` names the correction; it is
 * told as the answer to the original, where that had a name.
 */
export async function putCorrected(
  deps: TakingDependencies,
  { resourceId, body }: Correction,
  {
    key,
    event,
    ...asked
  }: Pick<PutImageVersion, "requestedBy" | "traceparent"> & {
    readonly key: string;
    readonly event: EventReference | undefined;
  },
): Promise<{ readonly versionId: ImageVersionId; readonly answer: PutAnswer }> {
  const id = parseImageVersionId(resourceId);
  const { value, findings, pasted } = deps.validateBody(body);
  if (id === undefined || findings.length > 0)
    throw invalid([
      ...(id === undefined ? [invalidId("/resourceId", resourceId)] : []),
      ...findings.map((finding) => ({
        ...finding,
        pointer: `/body${finding.pointer}`,
      })),
    ]);
  const command = {
    ...asked,
    id,
    body: value as ImageVersionRequest,
    ...(pasted === true && { pasted }),
    plan: "require" as const,
    idempotencyKey: key,
    ...(event && { event }),
  };
  const answer = await create(deps, command, "/body");
  if (event) await tellAlreadyDone(deps, { ...command, event }, answer);
  return { versionId: id, answer };
}

/** Accepts the request, or refuses it; throws what may pass. */
async function answer(
  deps: RequestHandlerDependencies,
  message: IncomingMessage,
  request: ReadRequest,
  { log, traceparent }: Consumed,
): Promise<void> {
  try {
    if (reportsTestResult(request)) {
      const command = reportOf(deps, request.event, traceparent);
      const { result } = await below(request.event.dataPointer, () =>
        deps.reportTestResult(command),
      );
      log.info(`test result: ${result}`, { resourceId: request.event.subject });
      audit(log, {
        ...auditedOf(message, request.event),
        outcome: "done",
      });
      return;
    }
    const command = commandOf(deps, request, traceparent);
    const answer = await create(deps, command, request.event?.dataPointer);
    await tellAlreadyDone(deps, command, answer);
    log.info(answer.kind, {
      ...(answer.kind === "accepted" && { operationId: answer.operation.id }),
      resourceId: request.event?.subject,
    });
    audit(log, {
      ...auditedOf(message, request.event),
      outcome: "done",
      ...(answer.kind === "accepted" && { operationId: answer.operation.id }),
    });
  } catch (error) {
    if (isRetryable(error)) throw error;
    if (!(error instanceof ServiceError)) {
      if (message.deliveryCount < deps.maxDeliveryCount) throw error;
      log.error(`delivery ${message.deliveryCount} failed`, error);
    }
    const refusal = error instanceof ServiceError ? error : ourMistake();
    await reject(deps, message, request.event, { log, traceparent }, refusal);
  }
}

/** Who sent a message is known by its queue alone. */
function auditedOf(
  { messageId }: IncomingMessage,
  event: CloudEventRequest | undefined,
): Pick<AuditRecord, "action" | "resourceId" | "queue" | "namedSource" | "requestId"> {
  return {
    action: event?.type ?? "unreadable",
    resourceId: event?.subject,
    queue: POLICY_QUEUES[0],
    namedSource: event?.source,
    requestId: messageId,
  };
}

/** Sends the request again for later, or throws the error, so that the message comes again at once. */
async function postpone(
  deps: RequestHandlerDependencies,
  delivered: IncomingMessage,
  event: CloudEventRequest | undefined,
  consumed: Consumed,
  error: ServiceError,
): Promise<void> {
  const postponed = postponementOf(delivered, event, error.retryAfterMs ?? 0, deps.now());
  if (postponed === undefined) throw error;
  const { messageId } = asSent(delivered);
  try {
    if (postponed === "expired") throw expired(delivered, error);
    await deps.postpone(postponed);
  } catch (refusal) {
    if (isRetryable(refusal) || !(refusal instanceof ServiceError)) throw refusal;
    return reject(deps, asSent(delivered), event, consumed, refusal);
  }
  consumed.log.warn(`postponed to ${postponed.enqueueTime}: ${error.code}: ${error.message}`, {
    messageId,
    code: error.code,
  });
}

function isRetryable(error: unknown): error is ServiceError {
  return error instanceof ServiceError && error.retryable;
}

function expired({ expiresTime }: IncomingMessage, { code, message }: ServiceError): ServiceError {
  return new ServiceError(
    "RequestExpired",
    `Sigil could not accept the request before its time to live ends (${expiresTime}). The last reason: ${code}: ${message} Send it again.`,
  );
}

function ourMistake(): ServiceError {
  return new ServiceError(
    "InternalError",
    "Sigil failed to process the request at every delivery. Its log has the reason. Fix it, then send the request again.",
  );
}

function create(
  deps: TakingDependencies,
  command: PutImageVersion,
  dataPointer?: string,
): Promise<PutAnswer> {
  return below(dataPointer, () => deps.putImageVersion(command));
}

/** What is found in the body is found in the message below `dataPointer`. */
async function below<T>(dataPointer = "", run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ServiceError) || error.retryable) throw error;
    throw new ServiceError(error.code, error.message, {
      findings: error.findings.map((finding) => ({
        ...finding,
        pointer: `${dataPointer}${finding.pointer}`,
      })),
      fields: error.fields,
      cause: error,
    });
  }
}

/** The type of a message that reports a test result; any other asks for an image version. */
const TEST_RESULT = "Sigil.TestResult";

function reportsTestResult(request: ReadRequest): request is { readonly event: CloudEventRequest } {
  return request.error === undefined && request.event?.type === TEST_RESULT;
}

function reportOf(
  deps: RequestHandlerDependencies,
  event: CloudEventRequest,
  traceparent: string,
): ReportTestResult {
  const { id, value } = dataOf(event, deps.validateTestResult(event.data));
  const report = value as TestResultReport;
  const { time } = event;
  // By which of two results counts must not depend on when a message is delivered.
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

function commandOf(
  deps: TakingDependencies,
  { event, error }: ReadRequest,
  traceparent: string,
): PutImageVersion & { readonly event: EventReference } {
  if (error !== undefined) throw error;
  if (event === undefined) throw invalid([]);
  const body = deps.validateBody(event.data);
  const { id } = dataOf(event, body);
  return {
    id,
    body: body.value as ImageVersionRequest,
    ...(body.pasted === true && { pasted: true }),
    requestedBy: { source: event.source },
    traceparent,
    // CloudEvents 1.0, "source + id is unique": a message that comes again, however late, is the same request.
    idempotencyKey: JSON.stringify([event.source, event.id]),
    event: { source: event.source, id: event.id },
  };
}

/** The version that an event names, and its data, of which nothing is wrong. */
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

function invalidId(pointer: string, id: string): Finding {
  return {
    code: "InvalidResourceId",
    pointer,
    message: `${pointer === "/resourceId" ? "The id" : "The subject"} "${shown(id)}" is not an image version's id. Write /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/galleries/{name}/images/{name}/versions/{1.0.0}.`,
  };
}

function invalid(findings: readonly Finding[]): ServiceError {
  return new ServiceError(
    "InvalidRequest",
    `${findings.length} error${findings.length === 1 ? " was" : "s were"} found in the message.`,
    { findings },
  );
}

function referenceOf({ source, id }: EventReference): EventReference {
  return { source, id };
}

/**
 * A request that led to no operation of its own is answered here; the event of one that did is in the outbox of that
 * operation. Told again, it is the same event.
 */
async function tellAlreadyDone(
  deps: TakingDependencies,
  { event, id, traceparent }: PutImageVersion,
  answer: PutAnswer,
): Promise<void> {
  if (event === undefined) return;
  const operation = answer.kind === "accepted" ? answer.operation : undefined;
  const { source, id: eventId } = operation?.request ?? {};
  if (source === event.source && eventId === event.id) return;
  const hash = createHash("sha256")
    .update(JSON.stringify([event.source, event.id]))
    .digest("hex")
    .slice(0, 32);
  await deps.events.publish([
    {
      specversion: "1.0",
      id: `already-done/${hash}`,
      source: deps.eventSource,
      type: IMAGE_VERSION_EVENT.alreadyDone,
      subject: formatImageVersionId(id),
      time: deps.now().toISOString(),
      datacontenttype: "application/json",
      traceparent,
      data: {
        ...(operation !== undefined && { operationId: operation.id }),
        request: event,
        message:
          operation === undefined ? "Azure shows the version as requested." : sameAs(operation),
      },
    },
  ]);
}

function sameAs({ id, status }: OperationRecord): string {
  switch (status) {
    case "NotStarted":
    case "Running":
      return `Operation ${id} is doing this already.`;
    case "Succeeded":
      return `Operation ${id} did this already.`;
    case "Failed":
    case "Canceled":
      return `Operation ${id} had the same request, and ended ${status}. To try again, send the request with another id.`;
  }
}

async function reject(
  deps: RequestHandlerDependencies,
  original: IncomingMessage,
  request: CloudEventRequest | undefined,
  { log, traceparent }: Consumed,
  error: ServiceError,
): Promise<void> {
  log.warn(`rejected: ${error.code}: ${error.message}`, {
    resourceId: request?.subject,
    messageId: original.messageId,
    code: error.code,
  });
  audit(log, {
    ...auditedOf(original, request),
    outcome: "refused",
    code: error.code,
  });
  // Of all that tells the message from others: two that share their bytes, or even their ids, are answered each by itself.
  const id = createHash("sha256")
    .update(
      JSON.stringify([request?.source, request?.id, original.messageId, original.sequenceNumber]),
    )
    .update(original.bytes)
    .digest("hex")
    .slice(0, 32);
  await deps.keepRejected({
    id,
    original,
    code: error.code,
    reason: error.message,
    errors: error.findings,
  });
  const data: EventData<typeof IMAGE_VERSION_EVENT.rejected> = {
    error: {
      code: error.code,
      message: error.message,
      ...findingsInEvent(error.findings),
    },
    ...error.fields,
    ...(request !== undefined && { request: referenceOf(request) }),
    ...(original.messageId !== undefined && { messageId: original.messageId }),
    ...originalInEvent(original.bytes),
  };
  await deps.events.publish([
    {
      specversion: "1.0",
      id: `rejected/${id}`,
      source: deps.eventSource,
      type: IMAGE_VERSION_EVENT.rejected,
      // CloudEvents 1.0, "subject": "If present, MUST be a non-empty string".
      ...(request !== undefined && { subject: request.subject }),
      time: deps.now().toISOString(),
      datacontenttype: "application/json",
      traceparent,
      data,
    },
  ]);
}

/** JSON as JSON, other text as a string. */
function originalInEvent(
  bytes: Buffer,
): { readonly original: unknown } | { readonly originalOmitted: string } {
  let original: unknown;
  if (isUtf8(bytes)) {
    try {
      original = parseJson(bytes);
    } catch {
      original = bytes.toString("utf8"); // The event says in `error` why it is no JSON.
    }
    if (Buffer.byteLength(JSON.stringify(original)) <= LARGEST_ORIGINAL_BYTES) return { original };
  }
  return {
    originalOmitted: `The original, ${bytes.length} bytes, is ${isUtf8(bytes) ? "too large for an event" : "not text"}; it is in the rejected queue.`,
  };
}
