import { createHash } from "node:crypto";
import type { InvocationContext } from "@azure/functions";
import { ServiceError, type Finding } from "../errors.js";
import type { EventData } from "../events/documented-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { findingsInEvent } from "../events/operation-event.js";
import { traceparentOf } from "../events/traceparent.js";
import type { ImageVersionRequest } from "../image-version/contract.js";
import type {
  PutAnswer,
  PutImageVersion,
} from "../image-version/commands/put.js";
import type { EventPublisher } from "../operation/ports.js";
import type { EventReference } from "../operation/records.js";
import { formatImageVersionId, parseImageVersionId } from "../resource-id.js";
import { readCloudEventRequest, shown } from "./cloud-event-request.js";
import { consume } from "./consume.js";
import { incomingMessage, type IncomingMessage } from "./incoming-message.js";
import {
  asSent,
  postponementOf,
  type PostponedRequest,
} from "./postponement.js";

/** A refused request, as it is kept for an operator to correct and send again. */
export interface RejectedRequest {
  /** The same for every delivery of the same message. */
  readonly id: string;
  readonly original: IncomingMessage;
  readonly code: string;
  readonly reason: string;
}

export interface RequestHandlerDependencies {
  readonly putImageVersion: (command: PutImageVersion) => Promise<PutAnswer>;
  /** The body of a PUT without its read-only members, and every error in it. */
  readonly validateBody: (body: unknown) => {
    readonly value: unknown;
    readonly findings: readonly Finding[];
    readonly pasted?: boolean;
  };
  readonly events: EventPublisher;
  readonly keepRejected: (request: RejectedRequest) => Promise<void>;
  /** Sends the request again, for later. */
  readonly postpone: (request: PostponedRequest) => Promise<void>;
  readonly eventSource: string;
  readonly now: () => Date;
}

/** An event holds 256 KB (Service Bus, Standard tier): a larger original is only in the rejected queue. */
const LARGEST_ORIGINAL_BYTES = 128 * 1024;

/**
 * Makes the handler of `image-version-requests`: the same validation and the same operation as by HTTP. A request
 * that can never be accepted is kept whole in the rejected queue and told in a `Rejected` event, and the message is
 * completed; a failure that may pass is thrown, so that the message comes again, and postpones it when that did not help.
 */
export function createRequestHandler(
  deps: RequestHandlerDependencies,
): (body: unknown, context: InvocationContext) => Promise<void> {
  return async (body, context) => {
    const delivered = incomingMessage(body, context);
    const message = asSent(delivered);
    const request = readCloudEventRequest(message);
    const event = "event" in request ? request.event : undefined;
    const parent = traceparentOf(
      event?.traceparent,
      context.traceContext?.traceParent,
    );
    await consume(
      context,
      message,
      parent,
      {},
      async ({ log, traceparent }) => {
        try {
          const command = commandOf(deps, request, traceparent);
          const answer = await create(deps, command, event?.dataPointer ?? "");
          await tellAlreadyDone(deps, command, answer);
          log.info(answer.kind, {
            ...(answer.kind === "accepted" && {
              operationId: answer.operation.id,
            }),
            resourceId: event?.subject,
          });
        } catch (error) {
          if (!(error instanceof ServiceError)) throw error;
          if (error.retryAfterMs !== undefined) {
            const postponed = postponementOf(
              delivered,
              error.retryAfterMs,
              deps.now(),
            );
            if (postponed === undefined) throw error;
            await deps.postpone(postponed);
            log.warn(
              `postponed to ${postponed.enqueueTime}: ${error.code}: ${error.message}`,
              { messageId: message.messageId, code: error.code },
            );
            return;
          }
          log.warn(`rejected: ${error.code}: ${error.message}`, {
            resourceId: event?.subject,
            messageId: message.messageId,
            code: error.code,
          });
          await reject(deps, message, event, traceparent, error);
        }
      },
    );
  };
}

/** What is found in the body is found in the message below `dataPointer`. */
async function create(
  deps: RequestHandlerDependencies,
  command: PutImageVersion,
  dataPointer: string,
): Promise<PutAnswer> {
  try {
    return await deps.putImageVersion(command);
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

function commandOf(
  deps: RequestHandlerDependencies,
  request: ReturnType<typeof readCloudEventRequest>,
  traceparent: string,
): PutImageVersion {
  if ("findings" in request) throw invalid(request.findings);
  const { event } = request;
  const id = parseImageVersionId(event.subject);
  const body = deps.validateBody(event.data);
  const findings = body.findings.map((finding) => ({
    ...finding,
    pointer: `${event.dataPointer}${finding.pointer}`,
  }));
  if (id === undefined || findings.length > 0) {
    throw invalid([
      ...(id === undefined
        ? [invalidSubject(event.dataPointer, event.subject)]
        : []),
      ...findings,
    ]);
  }
  return {
    id,
    body: body.value as ImageVersionRequest,
    ...(body.pasted === true && { pasted: true }),
    requestedBy: { name: event.source },
    traceparent,
    // CloudEvents 1.0, "source + id is unique": a message that comes again, however late, is the same request.
    idempotencyKey: JSON.stringify([event.source, event.id]),
    event: { source: event.source, id: event.id },
  };
}

function invalidSubject(dataPointer: string, subject: string): Finding {
  return {
    code: "InvalidResourceId",
    pointer: dataPointer === "" ? "" : "/subject",
    message: `The subject "${shown(subject)}" is not an image version's id. Write /subscriptions/{guid}/resourceGroups/{name}/providers/Microsoft.Compute/galleries/{name}/images/{name}/versions/{1.0.0}.`,
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
  deps: RequestHandlerDependencies,
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
          operation === undefined
            ? "Azure shows the version as it is asked for."
            : `Operation ${operation.id} does, or has done, what is asked.`,
      },
    },
  ]);
}

async function reject(
  deps: RequestHandlerDependencies,
  original: IncomingMessage,
  request: (EventReference & { readonly subject: string }) | undefined,
  traceparent: string,
  error: ServiceError,
): Promise<void> {
  const text = JSON.stringify(original.body) ?? "";
  const id = createHash("sha256")
    .update(`${original.messageId} ${text}`)
    .digest("hex")
    .slice(0, 32);
  await deps.keepRejected({
    id,
    original,
    code: error.code,
    reason: error.message,
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
    ...(Buffer.byteLength(text) <= LARGEST_ORIGINAL_BYTES
      ? { original: original.body }
      : {
          originalOmitted:
            "The original is too large for an event; it is in the rejected queue.",
        }),
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
