/** A handler of requests, and a request as it is delivered to it. */
import type { Finding } from "../../../src/errors.js";
import type { CloudEvent } from "../../../src/events/cloud-event.js";
import type { PutImageVersion } from "../../../src/image-version/commands/put.js";
import type { OperationRecord } from "../../../src/operation/records.js";
import type { RejectedRequest } from "../../../src/messaging/answer-request.js";
import {
  createRequestHandler,
  type RequestHandlerDependencies,
} from "../../../src/messaging/request-handler.js";
import type { PostponedRequest } from "../../../src/messaging/postponement.js";
import { bytesOf, invocation } from "./invocation.js";

export const SUBJECT =
  "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/i/versions/1.0.0";
export const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
export const HOST_TRACEPARENT = "00-11111111111111111111111111111111-2222222222222222-01";
export const DATA = { location: "westeurope" };

export const EVENT = {
  specversion: "1.0",
  id: "build-7",
  source: "urn:build",
  type: "Build.Finished",
  subject: SUBJECT,
  traceparent: TRACEPARENT,
  data: DATA,
};

export const OPERATION: OperationRecord = {
  id: "0123456789abcdef0123456789abcdef-1",
  kind: "CreateImageVersion",
  status: "NotStarted",
  resourceId: SUBJECT,
  fingerprint: "f",
  createdTime: "2026-01-01T00:00:00.000Z",
  lastUpdatedTime: "2026-01-01T00:00:00.000Z",
  requestedBy: {},
  traceparent: TRACEPARENT,
  regions: [],
  history: [],
};

export type Rejected = CloudEvent<
  string,
  {
    error: { code: string; errors: Finding[]; errorCount: number };
    original?: unknown;
    originalOmitted?: string;
    messageId?: string;
  }
>;

/** A handler whose ports remember, in order, what they were called with. */
export function handlerWith(ports: Partial<RequestHandlerDependencies> = {}): {
  readonly calls: string[];
  readonly commands: PutImageVersion[];
  readonly kept: RejectedRequest[];
  readonly events: Rejected[];
  readonly postponed: PostponedRequest[];
  readonly handle: ReturnType<typeof createRequestHandler>;
} {
  const calls: string[] = [];
  const commands: PutImageVersion[] = [];
  const kept: RejectedRequest[] = [];
  const events: Rejected[] = [];
  const postponed: PostponedRequest[] = [];
  const handler = createRequestHandler({
    putImageVersion(command) {
      commands.push(command);
      return Promise.resolve({
        kind: "accepted",
        operation: {
          ...OPERATION,
          ...(command.event && { request: command.event }),
        },
      });
    },
    validateBody: (value) => ({ value, findings: [] }),
    reportTestResult: () => Promise.reject(new Error("nothing is reported")),
    validateTestResult: (value) => ({ value, findings: [] }),
    events: {
      publish(published) {
        calls.push("publish");
        events.push(...(published as Rejected[]));
        return Promise.resolve();
      },
    },
    keepRejected(request) {
      calls.push("keepRejected");
      kept.push(request);
      return Promise.resolve();
    },
    postpone(request) {
      calls.push("postpone");
      postponed.push(request);
      return Promise.resolve();
    },
    maxDeliveryCount: 10,
    eventSource: "urn:sigil:test",
    now: () => new Date("2026-01-01T00:00:00Z"),
    ...ports,
  });
  return {
    calls,
    commands,
    kept,
    events,
    postponed,
    handle: (body, context) => handler(Buffer.isBuffer(body) ? body : bytesOf(body), context),
  };
}

export const failing = (error: Error): Pick<RequestHandlerDependencies, "putImageVersion"> => ({
  putImageVersion: () => Promise.reject(error),
});

export const delivery = (deliveryCount = 1): ReturnType<typeof invocation> =>
  invocation({ messageId: "m1", contentType: "application/json", deliveryCount }, HOST_TRACEPARENT);
