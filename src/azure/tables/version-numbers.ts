/**
 * Version numbers in Table Storage: one partition for each image definition. It has a row for the
 * last number, and for a time a row for each request that has a number. Invariants:
 *  1. Every write includes the row of the last number, whose ETag guards the whole partition.
 *  2. One transaction writes the last number and the requests that get numbers, so no number is
 *     assigned without its request. Requests that arrive during a transaction share the next one.
 *  3. The row of a request is never overwritten. If it makes a write fail, the request's number is
 *     read from it.
 */
import type { TransactionAction } from "@azure/data-tables";
import { ServiceError } from "../../errors.js";
import type { NumberRequest, VersionNumbers } from "../../image-version/ports.js";
import { highestVersionNumber, nextVersionNumber } from "../../version-numbers.js";
import { keyOf } from "../../resource-id.js";
import { Runs } from "./runs.js";
import { Table, type TableStorage } from "./table.js";

export const NUMBERS_TABLE = "SigilVersionNumbers";
const LAST_ROW = "last";
/**
 * How often a write is tried. Each time one of the competing writers succeeds, and there are fewer
 * hosts than this.
 */
const WRITE_TRIES = 100;
/** Table Storage writes 100 entities in one transaction; the last number is one of them. */
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

  /**
   * Returns a status if nothing was written: 412 if the partition changed since `etag` was read,
   * 409 if an unread row exists.
   */
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

  /** A number for each request, or why it has none. Invariant 2. */
  const allocate = async (
    key: string,
    requests: readonly NumberRequest[],
  ): Promise<readonly (string | ServiceError)[]> => {
    let readsBound = requests.some(({ instead }) => instead !== undefined);
    for (let tries = 0; tries < WRITE_TRIES; tries += 1) {
      // Read this first: any row bound after this read changes the ETag.
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
      // It may be our own row: the SDK repeats a write if its answer was lost.
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

/**
 * Whether the row belongs to a request. Such a row expires (aged-rows.ts), but the row of the last
 * number stays.
 */
export function isRequestRow(rowKey: string): boolean {
  return rowKey.startsWith(REQUEST_ROWS);
}
