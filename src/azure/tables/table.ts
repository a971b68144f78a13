import { RestError, TableClient, type TableEntity } from "@azure/data-tables";
import type { TokenCredential } from "@azure/identity";
import { ServiceError } from "../../errors.js";

/** How to reach Table Storage: a connection string, or the address of the account's tables and an identity. */
export type TableStorage =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly serviceUri: string;
      readonly credential: TokenCredential;
    };

const RETRY_AFTER_MS = 5_000;

const TICK_MS = 200;
/**
 * A call is given up after this many ticks without any answer from the table. So a table that
 * accepts a connection and never answers stops delaying steps and callers. A thousand parallel
 * reads are answered one after the other, and a busy process ticks slower.
 */
const SILENT_TICKS = 7;
/**
 * The limit for one call, even if others are answered. It is also the limit until the first answer,
 * because the first token takes time too.
 */
const MOST_TICKS = 50;

/** One quick retry: callers need an answer in time, and a step runs again anyway. */
const RETRIES = { maxRetries: 1, retryDelayInMs: 100, maxRetryDelayInMs: 200 };

/** One table. It is created on use if it is missing: at first, or after it was deleted. */
export class Table {
  readonly #client: TableClient;
  #created: Promise<void> | undefined;
  /** How many calls the table has answered. */
  #answers = 0;

  constructor(storage: TableStorage, name: string) {
    this.#client =
      storage.kind === "connectionString"
        ? TableClient.fromConnectionString(storage.connectionString, name, {
            // Only a connection string with http needs this. Otherwise the SDK refuses http.
            allowInsecureConnection: isInsecure(storage.connectionString),
            retryOptions: RETRIES,
          })
        : new TableClient(storage.serviceUri, name, storage.credential, {
            retryOptions: RETRIES,
          });
    this.#client.pipeline.addPolicy({
      name: "timeout",
      sendRequest: (request, next) => {
        request.timeout = MOST_TICKS * TICK_MS;
        return next(request);
      },
    });
  }

  /**
   * Writes if `etag` is still the stored one (`undefined`: if nothing is stored). Returns false if
   * it is not.
   */
  async putIfUnchanged(entity: TableEntity<object>, etag: string | undefined): Promise<boolean> {
    const answer = await this.run(
      (client) =>
        etag === undefined
          ? client.createEntity(entity)
          : client.updateEntity(entity, "Replace", { etag }),
      404, // ResourceNotFound: removed meanwhile
      409, // EntityAlreadyExists
      412, // UpdateConditionNotSatisfied
    );
    return typeof answer !== "number";
  }

  /**
   * Runs `call`. Returns the status of a failure if it is in `expected`. Throws ServiceError for
   * any other failure.
   */
  async run<T, S extends number = never>(
    call: (client: TableClient) => Promise<T>,
    ...expected: readonly S[]
  ): Promise<T | S> {
    try {
      const answer = await this.#inTime(async () => {
        await this.#ensureCreated();
        return call(this.#client).catch(async (error: unknown) => {
          if (!isTableNotFound(error)) throw error;
          this.#created = undefined;
          await this.#ensureCreated();
          return call(this.#client);
        });
      });
      this.#answers += 1;
      return answer;
    } catch (error) {
      const status = statusOf(error);
      if (status !== undefined) this.#answers += 1;
      // A failure to create the table (409 TableBeingDeleted, for a minute) is not an answer to the
      // call.
      const match = this.#created && expected.find((code) => code === status);
      if (match !== undefined) return match;
      throw new ServiceError(
        "DependencyUnavailable",
        `Table Storage did not answer as expected (${status ?? "no answer"}).`,
        {
          retryAfterMs: RETRY_AFTER_MS,
          cause: error,
        },
      );
    }
  }

  /** Limits the time of every call, including SDK calls that bypass the client's pipeline. */
  async #inTime<T>(run: () => Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    let [ticks, silent, answers] = [0, 0, this.#answers];
    try {
      return await Promise.race([
        run(),
        new Promise<never>((_, reject) => {
          timer = setInterval(() => {
            ticks += 1;
            silent = answers === this.#answers ? silent + 1 : 0;
            answers = this.#answers;
            const isSilent = answers > 0 && silent >= SILENT_TICKS;
            if (!isSilent && ticks < MOST_TICKS) return;
            this.#created = undefined;
            reject(new Error(`no answer in ${ticks * TICK_MS} ms`));
          }, TICK_MS);
        }),
      ]);
    } finally {
      clearInterval(timer);
    }
  }

  async #ensureCreated(): Promise<void> {
    this.#created ??= this.#client.createTable().catch((error: unknown) => {
      this.#created = undefined;
      throw error;
    });
    await this.#created;
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof RestError || hasStatus(error) ? error.statusCode : undefined;
}

function isTableNotFound(error: unknown): boolean {
  // A failed transaction has no details.
  const { code, details } = error as {
    code?: unknown;
    details?: { odataError?: { code?: unknown } };
  };
  return (details?.odataError?.code ?? code) === "TableNotFound";
}

/** A failed transaction is a RestError by name only (`@azure/data-tables`, TableTransaction). */
function hasStatus(error: unknown): error is { statusCode: number } {
  return (
    error instanceof Error && typeof (error as { statusCode?: unknown }).statusCode === "number"
  );
}

function isInsecure(connectionString: string): boolean {
  return /UseDevelopmentStorage=true|DefaultEndpointsProtocol=http(?!s)|TableEndpoint=http:/iu.test(
    connectionString,
  );
}
