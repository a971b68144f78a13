/** Batches as a caller has them, by HTTP, over image definitions of their own. */
import { HttpRequest, InvocationContext, type HttpResponseInit } from "@azure/functions";
import { expect } from "vitest";
import type { GalleryPolicy } from "../../../src/authorization/gallery-policy.js";
import type { BatchItem, BatchRecord } from "../../../src/batch/record.js";
import { batchHandlers } from "../../../src/http/batch-handlers.js";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { operationHandlers } from "../../../src/http/operation-handlers.js";
import { resourcesOf } from "../../../src/batch/create.js";
import { recordKeyOf, type OperationRecord } from "../../../src/operation/records.js";
import type { OperationId } from "../../../src/http/contract/openapi-document.js";
import { batchOf, type InProcess } from "../../support/dependencies.js";
import { document, responseMistakes, validator } from "../../unit/http/contract/document.js";

export const OPERATOR = { appId: "operator", objectId: "operator-object" };
export const ADD_REGION = {
  properties: { publishingProfile: { targetRegions: [{ name: "northeurope" }] } },
};

interface Caller {
  readonly appId?: string;
  readonly roles?: readonly string[];
  readonly policy?: GalleryPolicy;
  readonly key?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OperationRecord & {
    readonly batch: { readonly counts: Record<string, number>; readonly confirmedBy?: object };
    readonly value: readonly BatchItem[];
    readonly continuationToken?: string;
    readonly code: string;
    readonly errors: readonly { readonly code: string; readonly pointer: string }[];
  };
}

/** Calls an operation of the document, and holds the answer to it. */
export async function call(
  world: InProcess,
  operationId: OperationId,
  path: string,
  body?: unknown,
  { appId = OPERATOR.appId, roles = ["ImageVersions.Write"], policy, key }: Caller = {},
): Promise<Answer> {
  const endpoint = createEndpoint({
    document,
    validator,
    galleryPolicy: policy,
    authenticator: {
      authenticate: () => Promise.resolve({ ...OPERATOR, appId, roles }),
    },
  });
  const batch = batchOf(world.deps);
  const handlers = {
    ...batchHandlers(endpoint, batch, document, validator),
    ...operationHandlers(
      endpoint,
      world.deps,
      () => expect.fail("no version is asked for"),
      (one) => Promise.resolve(one),
      (one) => resourcesOf(batch, one),
    ),
  };
  const { method } = document.operation(operationId);
  const answer = (await handlers[operationId as keyof typeof handlers](
    new HttpRequest({
      method,
      url: `https://sigil.example/api${path}`,
      params: { operationId: path.split("/")[2] ?? "" },
      headers: {
        "Content-Type": "application/json",
        ...(key !== undefined && { "Idempotency-Key": key }),
      },
      ...(body !== undefined && { body: { string: JSON.stringify(body) } }),
    }),
    new InvocationContext({ invocationId: "1", functionName: "test" }),
  )) as HttpResponseInit & { readonly headers: Record<string, string> };
  const { status = 0, headers } = answer;
  const shown = JSON.parse(answer.body as string) as Answer["body"];
  const type = headers["Content-Type"] ?? "";
  expect(responseMistakes(operationId, status, type, shown)).toEqual([]);
  return { status, headers, body: shown };
}

/** Accepts a batch. */
export async function post(
  world: InProcess,
  batch: object,
  caller: Caller = {},
): Promise<OperationRecord> {
  const answer = await call(world, "createBatch", "/batches", batch, caller);
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 202 });
  return answer.body;
}

export async function recordOf(world: InProcess, { id }: { id: string }): Promise<BatchRecord> {
  const record = await batchOf(world.deps).operations.store.readRecord(recordKeyOf(id) ?? "");
  return record ?? expect.fail(`${id} is not stored`);
}

export const statesIn = ({ items }: Pick<BatchRecord, "items">): string =>
  items.map(({ state }) => state).join(" ");

const TICK_MS = 5_000;
const MOST_TICKS = 3_000;

/** Handles what is due and moves the clock until the batch has ended; `look` sees it after each round. */
export async function finish(
  world: InProcess,
  batch: { readonly id: string },
  look: (record: BatchRecord) => unknown = () => undefined,
): Promise<BatchRecord & { readonly operation: OperationRecord }> {
  for (let ticks = 0; ticks < MOST_TICKS; ticks += 1) {
    await world.runDue();
    const record = await recordOf(world, batch);
    await look(record);
    if (["Succeeded", "Failed", "Canceled"].includes(record.state)) {
      const operation = (await world.deps.store.readOperation(batch.id))?.operation;
      return { ...record, operation: operation ?? expect.fail("it has no operation") };
    }
    world.clock.advance(TICK_MS);
  }
  return expect.fail("the batch does not end");
}

/** Until the batch is in this state. */
export async function until(
  world: InProcess,
  batch: { readonly id: string },
  state: string,
): Promise<BatchRecord> {
  for (let ticks = 0; ticks < MOST_TICKS; ticks += 1) {
    await world.runDue();
    const record = await recordOf(world, batch);
    if (record.state === state) return record;
    world.clock.advance(TICK_MS);
  }
  return expect.fail(`the batch is never ${state}`);
}

export const itemsOf = (ids: readonly string[]): { id: string }[] => ids.map((id) => ({ id }));
