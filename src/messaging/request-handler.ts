import type { InvocationContext } from "@azure/functions";
import { ServiceError } from "../errors.js";
import { traceparentOf } from "../events/traceparent.js";
import type { ImageVersionRequest, PutAnswer, PutImageVersion } from "../image-version/index.js";
import type { EventPublisher } from "../operation/ports.js";
import type { EventReference, Requester } from "../operation/records.js";
import { parseImageVersionId, type ImageVersionId } from "../resource-id.js";
import { audit } from "../telemetry/audit.js";
import type { ReportTestResult } from "../test-results/report.js";
import type { TestResult } from "../test-results/results.js";
import { auditedOf, reject, tellAlreadyDone, type RejectedRequest } from "./answer-request.js";
import type { CloudEventRequest } from "./cloud-event-request.js";
import { consume, type Consumed } from "./consume.js";
import { incomingMessage, type IncomingMessage } from "./incoming-message.js";
import { asSent, postponementOf, type PostponedRequest } from "./postponement.js";
import {
  commandOf,
  invalid,
  invalidId,
  readRequest,
  reportOf,
  reportsTestResult,
  type Content,
  type ReadRequest,
  type Validate,
} from "./read-request.js";

export interface TakingDependencies {
  readonly putImageVersion: (command: PutImageVersion) => Promise<PutAnswer>;
  /** Validates the body of a PUT. */
  readonly validateBody: Validate;
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
}

export interface RequestHandlerDependencies extends TakingDependencies {
  readonly reportTestResult: (command: ReportTestResult) => Promise<TestResult>;
  /** Validates the body of a test result. */
  readonly validateTestResult: Validate;
  readonly keepRejected: (request: RejectedRequest) => Promise<void>;
  /** Sends the request again, for later. Throws PayloadTooLarge if it cannot fit into a message. */
  readonly postpone: (request: PostponedRequest) => Promise<void>;
  /** The queue's maxDeliveryCount, after which Service Bus dead-letters a message. */
  readonly maxDeliveryCount: number;
}

/**
 * Creates the handler of `image-version-requests`, with the same validation and operation as by
 * HTTP. Every request gets an answering event. A request that can never be accepted is stored in
 * the rejected queue and reported in a `Rejected` event, and its message is completed. A retryable
 * failure is thrown, so that the message comes again; if that does not help, the message is
 * postponed. A failure that even the last delivery has is our mistake, and the request is refused.
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

/** Takes the request of a stored message as one of `requestedBy`. Throws any refusal. */
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
    ...commandOf(deps.validateBody, request, traceparent),
    requestedBy,
  };
  const answer = await create(deps, command, request.event?.dataPointer);
  await tellAlreadyDone(deps, command, answer);
  return { versionId: command.id, request: command.event, answer };
}

/** What an Admin requests instead of the rejected request. */
export interface Correction {
  readonly resourceId: string;
  readonly body: unknown;
}

/**
 * Takes a corrected request: plans it first, and refuses it with the plan's findings. `key`
 * identifies the correction. The answer is reported for the original, if that had a source and id.
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

/** Accepts the request, or refuses it. Throws retryable errors. */
async function answer(
  deps: RequestHandlerDependencies,
  message: IncomingMessage,
  request: ReadRequest,
  { log, traceparent }: Consumed,
): Promise<void> {
  try {
    if (reportsTestResult(request)) {
      const command = reportOf(deps.validateTestResult, request.event, traceparent);
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
    const command = commandOf(deps.validateBody, request, traceparent);
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

/**
 * Sends the request again for later, or throws the error, so that the message comes again at once.
 */
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

/** Moves pointers into the body below `dataPointer`, their place in the message. */
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
