/**
 * Numbers in Table Storage: one partition an image definition, with a row for the number that was given last and a row
 * for each request that has one, for a time. Invariants:
 *  1. Every write goes through the row of the last number, whose ETag guards the whole partition.
 *  2. The last number and the request that got it are one transaction: none is given without somebody to have it.
 */
import { ServiceError } from "../../errors.js";
import {
  highestVersionNumber,
  nextVersionNumber,
  type NumberRequest,
  type VersionNumbers,
} from "../../image-version/index.js";
import { keyOf } from "../../resource-id.js";
import { Turns } from "./turns.js";
import { Table, type TableStorage } from "./table.js";

export const NUMBERS_TABLE = "SigilVersionNumbers";
const LAST_ROW = "last";
/** One of all who write at once comes through each time: more than there are hosts. */
const WRITE_TRIES = 100;
const CALL_TIMEOUT_MS = 10_000;

interface NumberRow {
  readonly number: string;
}

export function createVersionNumbers(
  storage: TableStorage,
  now: () => Date,
): VersionNumbers {
  const table = new Table(storage, NUMBERS_TABLE);
  const turns = new Turns();

  const row = async (
    key: string,
    rowKey: string,
  ): Promise<{ number: string; etag: string } | undefined> => {
    const entity = await table.run(
      (client) =>
        client.getEntity<NumberRow>(key, rowKey, {
          abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS),
        }),
      404,
    );
    return entity === 404 ? undefined : entity;
  };

  /** False when somebody else has written since `etag` was read. */
  const write = async (
    key: string,
    requestKey: string,
    number: string,
    etag: string | undefined,
  ): Promise<boolean> => {
    const last = { partitionKey: key, rowKey: LAST_ROW, number };
    const bound = {
      partitionKey: key,
      rowKey: requestRow(requestKey),
      number,
      writtenTime: now().toISOString(),
    };
    const result = await table.run(
      (client) =>
        client.submitTransaction(
          [
            etag === undefined
              ? ["create", last]
              : ["update", last, "Replace", { etag }],
            ["upsert", bound, "Replace"],
          ],
          { abortSignal: AbortSignal.timeout(CALL_TIMEOUT_MS) },
        ),
      409, // EntityAlreadyExists
      412, // UpdateConditionNotSatisfied
    );
    return typeof result !== "number";
  };

  const allocate = async (
    key: string,
    { requestKey, above, increment, instead }: NumberRequest,
  ): Promise<string> => {
    for (let tries = 0; tries < WRITE_TRIES; tries += 1) {
      // In this order: what is bound after this read changes the ETag.
      const last = await row(key, LAST_ROW);
      const bound = await row(key, requestRow(requestKey));
      // Also when our own write is told to have failed: the SDK sends a write again whose answer was lost.
      if (bound !== undefined && bound.number !== instead) return bound.number;
      const number = nextVersionNumber(
        highestVersionNumber([last?.number, above]),
        increment,
      );
      if (await write(key, requestKey, number, last?.etag)) return number;
    }
    throw new ServiceError(
      "StateConflict",
      "Many requests for the next version of this image definition arrived at once. Send it again.",
      { retryAfterMs: 1_000 },
    );
  };

  return {
    async read(imageId, requestKey) {
      const key = keyOf(imageId);
      const last = await row(key, LAST_ROW);
      const bound =
        requestKey === undefined
          ? undefined
          : await row(key, requestRow(requestKey));
      return {
        ...(last && { last: last.number }),
        ...(bound && { bound: bound.number }),
      };
    },

    allocate: (imageId, request) => {
      const key = keyOf(imageId);
      return turns.run(key, () => allocate(key, request));
    },
  };
}

const REQUEST_ROWS = "request-";

function requestRow(requestKey: string): string {
  return `${REQUEST_ROWS}${requestKey}`;
}

/** The row of a request ends with its age (aged-rows.ts); that of the last number stays. */
export function isRequestRow(rowKey: string): boolean {
  return rowKey.startsWith(REQUEST_ROWS);
}
