/** The tables of an account, in memory, with Table Storage's own conditions and refusals. */
import type { Change, Journal } from "./journal.js";
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
const TABLE_NAME = /^[A-Za-z][A-Za-z0-9]*$/u;

export class Tables {
  readonly #tables = new Map<string, Rows>();
  readonly #journal: Journal | undefined;
  readonly #now: () => Date;
  #etags = 0;

  /** Holds what the journal has, and tells it each change. `now` stamps each row. */
  constructor(journal?: Journal, now: () => Date = () => new Date()) {
    this.#journal = journal;
    this.#now = now;
    for (const change of journal?.read() ?? []) this.#apply(change);
    journal?.begin([...this.#tables].map(([table, rows]) => ({ table, rows: rows.all() })));
  }

  get names(): readonly string[] {
    return [...this.#tables.keys()].sort();
  }

  create(name: string): void {
    if (name.length < 3 || name.length > 63) throw new TableError(400, "OutOfRangeInput");
    if (!TABLE_NAME.test(name)) throw new TableError(400, "InvalidResourceName");
    if (this.#tables.has(name)) throw new TableError(409, "TableAlreadyExists");
    this.#change({ table: name, rows: [] });
  }

  delete(name: string): void {
    if (!this.#tables.has(name)) throw new TableError(404, "ResourceNotFound");
    this.#change({ table: name });
  }

  rowsOf(table: string): Rows {
    const rows = this.#tables.get(table);
    if (rows === undefined) throw new TableError(404, "TableNotFound");
    return rows;
  }

  /** All or nothing; answers the ETag of each that is written. Throws TableError, with the index of the write at fault in front. */
  write(table: string, writes: readonly Write[]): readonly (string | undefined)[] {
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
    const timestamp = this.#now().toISOString();
    const changed = writes.map((write) => this.#written(rows, write, timestamp));
    this.#change({ table, rows: changed });
    return changed.map((row) => ("etag" in row ? row.etag : undefined));
  }

  /** The row after a write; only its keys if it is deleted. */
  #written(rows: Rows, write: Write, timestamp: string): Row | Position {
    const { kind, partitionKey, rowKey, properties } = write;
    if (kind === "delete") return { partitionKey, rowKey };
    this.#etags += 1;
    const before = kind === "merge" ? rows.get(write)?.properties : undefined;
    return {
      partitionKey,
      rowKey,
      properties: { ...before, ...properties },
      etag: `W/"datetime'${timestamp};${this.#etags}'"`,
      timestamp,
    };
  }

  #change(change: Change): void {
    this.#journal?.add(change);
    this.#apply(change);
  }

  #apply({ table, rows: changed }: Change): void {
    if (changed === undefined) {
      this.#tables.delete(table);
      return;
    }
    const rows = this.#tables.get(table) ?? new Rows();
    this.#tables.set(table, rows);
    for (const row of changed)
      if ("etag" in row) rows.put(row);
      else rows.remove(row);
  }
}

function mustBePossible(rows: Rows, write: Write): void {
  const { kind, ifMatch, properties } = write;
  const present: Row | undefined = rows.get(write);
  if (kind === "insert" && present !== undefined) throw new TableError(409, "EntityAlreadyExists");
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
