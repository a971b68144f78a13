/**
 * The broker's changes in a file, one line of JSON for each change.
 *
 * Invariants
 * 1. A task given to `afterCommit` runs only after every line appended before it has been handed to the operating system
 *    (and, with `fsync`, to the disk): what the process has acknowledged survives its being killed.
 * 2. A line is one change: torn at the end of the file by a kill, it is cut off, and nobody was told of it.
 * 3. A line that cannot be read anywhere else is damage, and opening fails rather than lose what follows.
 * 4. A compaction replaces the file in one rename; until then the old one stands complete.
 * 5. Lines of entities that are no longer configured are kept.
 * 6. Once a write has failed nothing is acknowledged any more.
 * 7. One process at a time has the directory.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import type { Operation, Store, StoredEntity } from "../broker/store.js";
import { DirectoryLock } from "./directory-lock.js";
import { decodeLine, encodeLine } from "./encoding.js";

export interface JournalOptions {
  readonly directory: string;
  /** Whether to wait for the disk, so that even a power cut loses nothing; default false. */
  readonly fsync?: boolean;
  /** Called once, when a write has failed. */
  readonly onFailure: (error: Error) => void;
}

const FILE_NAME = "service-bus.journal";
/** Compact when the file has this many lines more than twice those of the last snapshot. */
const COMPACTION_SLACK = 10_000;
const NEWLINE = 0x0a;

export class Journal implements Store {
  readonly #file: string;
  readonly #fsync: boolean;
  readonly #onFailure: (error: Error) => void;
  readonly #stored = new Map<string, StoredEntity>();
  readonly #lock: DirectoryLock;
  #descriptor: number;
  #pending: string[] = [];
  #tasks: (() => void)[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #failed = false;
  #lines = 0;
  #linesOfSnapshot = 0;
  #snapshot: (() => Iterable<Operation>) | undefined;
  #orphans: readonly string[] = [];

  constructor(options: JournalOptions) {
    this.#file = path.join(options.directory, FILE_NAME);
    this.#fsync = options.fsync ?? false;
    this.#onFailure = options.onFailure;
    mkdirSync(options.directory, { recursive: true });
    this.#lock = new DirectoryLock(options.directory); // (7)
    try {
      const length = this.#read();
      this.#descriptor = openSync(this.#file, "a");
      ftruncateSync(this.#descriptor, length); // (2)
    } catch (error) {
      this.#lock.release();
      throw error;
    }
  }

  /** The file's contents at opening. */
  get stored(): ReadonlyMap<string, StoredEntity> {
    return this.#stored;
  }

  /**
   * Sets how to rewrite the file, and rewrites it, except for the paths that the broker does not
   * know; throws if it cannot.
   */
  start(snapshot: () => Iterable<Operation>, unknownPaths: readonly string[]): void {
    this.#snapshot = snapshot;
    this.#orphans = unknownPaths;
    for (const entity of this.#stored.keys())
      if (!unknownPaths.includes(entity)) this.#stored.delete(entity);
    this.#compact();
  }

  append(operations: readonly Operation[]): void {
    if (operations.length === 0) return;
    this.#pending.push(encodeLine(operations));
    this.#flushing ??= setImmediate(() => this.#flush());
  }

  afterCommit(task: () => void): void {
    if (this.#failed) return; // (6)
    if (this.#pending.length === 0 && this.#tasks.length === 0) task();
    else this.#tasks.push(task); // (1)
  }

  /** Writes what is pending and closes the file. */
  close(): void {
    this.#flush();
    if (!this.#failed) closeSync(this.#descriptor);
    this.#failed = true;
    this.#lock.release();
  }

  #flush(): void {
    if (this.#flushing !== undefined) clearImmediate(this.#flushing);
    this.#flushing = undefined;
    while (!this.#failed && (this.#pending.length > 0 || this.#tasks.length > 0)) {
      const lines = this.#pending;
      this.#pending = [];
      try {
        write(this.#descriptor, lines);
        if (this.#fsync) fsyncSync(this.#descriptor);
      } catch (error) {
        this.#fail(error);
        return;
      }
      this.#lines += lines.length;
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const task of tasks) task();
      if (this.#lines > this.#linesOfSnapshot * 2 + COMPACTION_SLACK)
        try {
          this.#compact();
        } catch (error) {
          this.#fail(error);
        }
    }
  }

  #compact(): void {
    if (this.#snapshot === undefined) return;
    const temporary = `${this.#file}.new`;
    const descriptor = openSync(temporary, "w");
    const lines: string[] = [];
    let count = 0;
    for (const operation of this.#everything(this.#snapshot)) {
      lines.push(encodeLine([operation]));
      count += 1;
      if (lines.length >= 1_000) write(descriptor, lines.splice(0));
    }
    write(descriptor, lines);
    fsyncSync(descriptor);
    renameSync(temporary, this.#file); // (4)
    closeSync(this.#descriptor);
    this.#descriptor = descriptor;
    this.#pending = []; // The snapshot is taken between changes, so it has what was still to be written.
    this.#lines = count;
    this.#linesOfSnapshot = count;
  }

  *#everything(snapshot: () => Iterable<Operation>): Iterable<Operation> {
    yield* snapshot();
    for (const entity of this.#orphans) {
      const stored = this.#stored.get(entity); // (5)
      if (stored === undefined) continue;
      yield { kind: "sequence", entity, next: stored.nextSequenceNumber };
      for (const [messageId, remembered] of stored.remembered)
        yield { kind: "remember", entity, messageId, ...remembered };
      for (const [sessionId, state] of stored.sessionStates)
        yield { kind: "session-state", entity, sessionId, state };
      for (const record of stored.messages.values()) yield { kind: "put", entity, record };
      if (stored.rules !== undefined) yield { kind: "rules", entity, rules: stored.rules };
      for (const [sequenceNumber, lock] of stored.locks)
        yield { kind: "lock", entity, sequenceNumber, lock };
    }
  }

  #fail(error: unknown): void {
    if (this.#failed) return;
    this.#failed = true; // (6)
    this.#tasks = [];
    closeSync(this.#descriptor);
    this.#onFailure(error instanceof Error ? error : new Error(String(error)));
  }

  /** Applies every whole line and returns how many bytes they take. */
  #read(): number {
    if (!existsSync(this.#file)) return 0;
    const content = readFileSync(this.#file);
    let start = 0;
    for (let number = 1; start < content.length; number++) {
      const end = content.indexOf(NEWLINE, start);
      if (end < 0) break; // (2)
      try {
        const line = content.toString("utf8", start, end);
        for (const operation of decodeLine(
          line,
          (entity, sequenceNumber) => this.#stored.get(entity)?.messages.get(sequenceNumber)?.bytes,
        ))
          this.#apply(operation);
      } catch (error) {
        // A kill tears the last line only, and the newline is its last byte.
        throw new Error(
          `${this.#file}: line ${number} cannot be read; move the file away to start empty`,
          { cause: error },
        ); // (3)
      }
      this.#lines += 1;
      start = end + 1;
    }
    return start;
  }

  #apply(operation: Operation): void {
    const entity = this.#entity(operation.entity);
    switch (operation.kind) {
      case "put":
      case "change": {
        const { sequenceNumber } = operation.record;
        entity.messages.set(sequenceNumber, operation.record);
        entity.locks.delete(sequenceNumber);
        advance(entity, sequenceNumber + 1);
        break;
      }
      case "remove":
        entity.messages.delete(operation.sequenceNumber);
        entity.locks.delete(operation.sequenceNumber);
        break;
      case "lock":
        entity.locks.set(operation.sequenceNumber, operation.lock);
        break;
      case "remember": {
        const { messageId, sequenceNumber, untilMs } = operation;
        // Taken out first, so that the order of the map stays that of the times.
        entity.remembered.delete(messageId);
        entity.remembered.set(messageId, { sequenceNumber, untilMs });
        advance(entity, sequenceNumber + 1);
        break;
      }
      case "rules":
        entity.rules = operation.rules;
        break;
      case "session-state":
        if (operation.state === undefined) entity.sessionStates.delete(operation.sessionId);
        else entity.sessionStates.set(operation.sessionId, operation.state);
        break;
      case "sequence":
        advance(entity, operation.next);
        break;
    }
  }

  #entity(name: string): StoredEntity {
    let entity = this.#stored.get(name);
    if (entity === undefined) {
      entity = {
        nextSequenceNumber: 1,
        messages: new Map(),
        remembered: new Map(),
        locks: new Map(),
        sessionStates: new Map(),
        rules: undefined,
      };
      this.#stored.set(name, entity);
    }
    return entity;
  }
}

function advance(entity: StoredEntity, next: number): void {
  entity.nextSequenceNumber = Math.max(entity.nextSequenceNumber, next);
}

function write(descriptor: number, lines: readonly string[]): void {
  const bytes = Buffer.from(lines.join(""), "utf8");
  let written = 0;
  while (written < bytes.length) written += writeSync(descriptor, bytes, written);
}
