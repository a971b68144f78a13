/** The tables of an account, in memory, with Table Storage's own conditions and refusals. */
import { Rows, type Position, type Properties, type Row } from "./rows.js";

/** A refusal, as Table Storage words it. */
export class TableError extends Error {
  override readonly name = "TableError";
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message = code) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Write = Position & {
  readonly kind: "insert" | "replace" | "merge" | "delete";
  readonly properties: Properties;
  /** `*`: whatever is there; absent of `replace` and `merge`: whether or not anything is there. */
  readonly ifMatch?: string | undefined;
};

/** Limits of Table Storage's data model. */
const LARGEST_PROPERTY_BYTES = 64 * 1024;
const LARGEST_ENTITY_BYTES = 1024 * 1024;
const MOST_WRITES = 100;

export class Tables {
  readonly #tables = new Map<string, Rows>();
  #etags = 0;

  create(name: string): void {
    if (this.#tables.has(name)) throw new TableError(409, "TableAlreadyExists");
    this.#tables.set(name, new Rows());
  }

  rowsOf(table: string): Rows {
    const rows = this.#tables.get(table);
    if (rows === undefined) throw new TableError(404, "TableNotFound");
    return rows;
  }

  /** All or nothing; answers the ETag of each that is written. Throws TableError, with the index of the write at fault in front. */
  write(
    table: string,
    writes: readonly Write[],
  ): readonly (string | undefined)[] {
    const rows = this.rowsOf(table);
    if (writes.length > MOST_WRITES)
      throw new TableError(400, "InvalidInput", "0:Too many operations.");
    writes.forEach((write, i) => {
      try {
        mustBePossible(rows, write);
        if (write.partitionKey !== writes[0]?.partitionKey)
          throw new TableError(400, "CommandsInBatchActOnDifferentPartitions");
        if (writes.findIndex(({ rowKey }) => rowKey === write.rowKey) < i)
          throw new TableError(400, "InvalidDuplicateRow");
      } catch (error) {
        if (!(error instanceof TableError) || writes.length === 1) throw error;
        throw new TableError(error.status, error.code, `${i}:${error.message}`);
      }
    });
    const timestamp = new Date().toISOString();
    return writes.map((write) => this.#apply(rows, write, timestamp));
  }

  #apply(rows: Rows, write: Write, timestamp: string): string | undefined {
    const { kind, partitionKey, rowKey, properties } = write;
    if (kind === "delete") {
      rows.remove(write);
      return undefined;
    }
    this.#etags += 1;
    const etag = `W/"datetime'${timestamp};${this.#etags}'"`;
    const before = kind === "merge" ? rows.get(write)?.properties : undefined;
    rows.put({
      partitionKey,
      rowKey,
      properties: { ...before, ...properties },
      etag,
      timestamp,
    });
    return etag;
  }
}

function mustBePossible(rows: Rows, write: Write): void {
  const { kind, ifMatch, properties } = write;
  const present: Row | undefined = rows.get(write);
  if (kind === "insert" && present !== undefined)
    throw new TableError(409, "EntityAlreadyExists");
  if (kind !== "insert" && ifMatch !== undefined) {
    if (present === undefined) throw new TableError(404, "ResourceNotFound");
    if (ifMatch !== "*" && ifMatch !== present.etag)
      throw new TableError(412, "UpdateConditionNotSatisfied");
  }
  const sizes = Object.entries(properties).map(([name, value]) =>
    typeof value !== "string"
      ? 8
      : properties[`${name}@odata.type`] === "Edm.Binary"
        ? (value.length * 3) / 4 - 2
        : value.length * 2,
  );
  if (sizes.some((size) => size > LARGEST_PROPERTY_BYTES))
    throw new TableError(400, "PropertyValueTooLarge");
  if (sizes.reduce((sum, size) => sum + size, 0) > LARGEST_ENTITY_BYTES)
    throw new TableError(400, "EntityTooLarge");
}
