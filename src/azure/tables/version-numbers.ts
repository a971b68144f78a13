/**
 * Numbers in Table Storage: one partition an image definition, with a row for the number that was given last and a row
 * for each request that has one, for a time. Invariants:
 *  1. Every write goes through the row of the last number, whose ETag guards the whole partition.
 *  2. The last number and the requests that get theirs are one transaction: none is given without somebody to have it. What is asked
 *     for while one is under way gets a run of numbers in the next.
 *  3. A request that has a number has a row, which is not written over: what it has is read where that refuses the write.
 */
import type { TransactionAction } from "@azure/data-tables";
import { ServiceError } from "../../errors.js";
import {
  highestVersionNumber,
  nextVersionNumber,
  type NumberRequest,
  type VersionNumbers,
} from "../../image-version/index.js";
import { keyOf } from "../../resource-id.js";
import { Runs } from "./runs.js";
import { Table, type TableStorage } from "./table.js";

export const NUMBERS_TABLE = "SigilVersionNumbers";
const LAST_ROW = "last";
/** One of all who write at once comes through each time: more than there are hosts. */
const WRITE_TRIES = 100;
/** Table Storage writes 100 entities at once: the last number is one of them. */
const MOST_AT_ONCE = 99;

interface NumberRow {
  readonly number: string;
}

export function createVersionNumbers(storage: TableStorage, now: () => Date): VersionNumbers {
  const table = new Table(storage, NUMBERS_TABLE);

  const row = async (
    key: string,
    rowKey: string,
  ): Promise<{ number: string; etag: string } | undefined> => {
    const entity = await table.run((client) => client.getEntity<NumberRow>(key, rowKey), 404);
    return entity === 404 ? undefined : entity;
  };

  /** A number where nothing was written: 412 when somebody else has since `etag` was read, 409 when there is a row that is not read. */
  const write = (
    key: string,
    given: ReadonlyMap<string, string>,
    readsBound: boolean,
    number: string,
    etag: string | undefined,
  ): Promise<unknown> => {
    const last = { partitionKey: key, rowKey: LAST_ROW, number };
    const writtenTime = now().toISOString();
    return table.run(
      (client) =>
        client.submitTransaction([
          etag === undefined ? ["create", last] : ["update", last, "Replace", { etag }],
          ...[...given].map(([requestKey, number]): TransactionAction => {
            const rowKey = requestRow(requestKey);
            const bound = { partitionKey: key, rowKey, number, writtenTime };
            return readsBound ? ["upsert", bound, "Replace"] : ["create", bound];
          }),
        ]),
      409, // EntityAlreadyExists
      412, // UpdateConditionNotSatisfied
    );
  };

  /** A run of numbers, one for each request, or why it has none. Invariant 2. */
  const allocate = async (
    key: string,
    requests: readonly NumberRequest[],
  ): Promise<readonly (string | ServiceError)[]> => {
    let readsBound = requests.some(({ instead }) => instead !== undefined);
    for (let tries = 0; tries < WRITE_TRIES; tries += 1) {
      // In this order: what is bound after this read changes the ETag.
      const last = await row(key, LAST_ROW);
      const bound = await Promise.all(
        (readsBound ? requests : []).map(({ requestKey }) => row(key, requestRow(requestKey))),
      );
      let highest = last?.number;
      const given = new Map<string, string>();
      const answers = requests.map((request, i) => {
        const { requestKey, above, increment, instead } = request;
        const own = given.get(requestKey) ?? bound[i]?.number;
        if (own !== undefined && own !== instead) return own;
        try {
          highest = nextVersionNumber(highestVersionNumber([highest, above]), increment);
        } catch (error) {
          if (error instanceof ServiceError) return error;
          throw error;
        }
        given.set(requestKey, highest);
        return highest;
      });
      if (highest === undefined || given.size === 0) return answers;
      const result = await write(key, given, readsBound, highest, last?.etag);
      if (typeof result !== "number") return answers;
      // Also where it is our own row: the SDK sends a write again whose answer was lost.
      readsBound ||= result === 409;
    }
    throw new ServiceError(
      "StateConflict",
      "Many requests for the next version of this image definition arrived at once. Send yours again.",
      { retryAfterMs: 1_000 },
    );
  };
  const runs = new Runs(MOST_AT_ONCE, allocate);

  return {
    async read(imageId, requestKey) {
      const key = keyOf(imageId);
      const [last, bound] = await Promise.all([
        row(key, LAST_ROW),
        requestKey === undefined ? undefined : row(key, requestRow(requestKey)),
      ]);
      return {
        ...(last && { last: last.number }),
        ...(bound && { bound: bound.number }),
      };
    },

    async allocate(imageId, request) {
      const answer = await runs.ask(keyOf(imageId), request);
      if (answer instanceof ServiceError) throw answer;
      return answer;
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
