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

/** What it takes to take a request. */
export interface TakingDependencies {
  readonly putImageVersion: (command: PutImageVersion) => Promise<PutAnswer>;
  /** Of a PUT. */
  readonly validateBody: Validate;
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly now: () => Date;
}

export interface RequestHandlerDependencies extends TakingDependencies {
  readonly reportTestResult: (command: ReportTestResult) => Promise<TestResult>;
  /** Of a POST of a test result. */
  readonly validateTestResult: Validate;
  readonly keepRejected: (request: RejectedRequest) => Promise<void>;
  /** Sends the request again, for later. Throws PayloadTooLarge where it cannot be made to fit into a message. */
  readonly postpone: (request: PostponedRequest) => Promise<void>;
  /** The queue's maxDeliveryCount: the delivery after which Service Bus dead-letters a message. */
  readonly maxDeliveryCount: number;
}

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
    ...commandOf(deps.validateBody, request, traceparent),
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
