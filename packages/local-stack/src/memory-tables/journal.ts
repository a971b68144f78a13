import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from "node:fs";
import type { Position, Row } from "./rows.js";

/**
 * The changes of one write to a table, which it creates if missing: rows as they are now, only the
 * keys of deleted rows. Without rows the table is deleted.
 */
export interface Change {
  readonly table: string;
  readonly rows?: readonly (Row | Position)[];
}

/**
 * The contents of tables, on disk: a line for each change, written before the write is answered. A
 * line cut off by the end of the process was never answered, and does not count.
 */
export class Journal {
  readonly #file: string;
  #descriptor: number | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** Every change, oldest first. */
  read(): readonly Change[] {
    let text: string;
    try {
      text = readFileSync(this.#file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
    return text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Change);
  }

  /** Starts the file again with these changes, so that overwritten ones take no space. */
  begin(changes: readonly Change[]): void {
    const next = `${this.#file}.next`;
    writeFileSync(next, changes.map(lineOf).join(""));
    renameSync(next, this.#file);
    this.#descriptor = openSync(this.#file, "a");
  }

  add(change: Change): void {
    if (this.#descriptor === undefined)
      throw new TypeError("the journal has not begun, or is closed");
    writeSync(this.#descriptor, lineOf(change));
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function lineOf(change: Change): string {
  return `${JSON.stringify(change)}\n`;
}
