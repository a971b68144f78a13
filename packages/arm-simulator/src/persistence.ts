import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * One JSON document in one file.
 *
 * Invariants:
 *   1. `save()` resolves only when a document at least as new as the call is in the file.
 *   2. The file always holds one whole document: it is written aside, then renamed over the old one.
 *   3. Calls that arrive during a write share the next one.
 */
export class JsonFile {
  readonly #file: string;
  readonly #content: () => unknown;
  #writing: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(file: string, content: () => unknown) {
    this.#file = path.resolve(file);
    this.#content = content;
  }

  save(): Promise<void> {
    if (this.#writing === undefined) return this.#start();
    // Invariant 3: the running write may already have its snapshot, so this one joins the next
    // write.
    this.#next ??= this.#writing
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#start();
      });
    return this.#next;
  }

  #start(): Promise<void> {
    const writing = this.#write().finally(() => {
      if (this.#writing === writing) this.#writing = undefined;
    });
    this.#writing = writing;
    return writing;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(this.#content());
    const temporary = `${this.#file}.${process.pid}.tmp`;
    await mkdir(path.dirname(this.#file), { recursive: true });
    await writeFile(temporary, text, { mode: 0o600 });
    await rename(temporary, this.#file);
  }
}

/** Undefined when there is no such file; a damaged one is an error that names it. */
export async function readJsonFile(file: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Error(`${file}: not JSON; delete it to start with an empty state`, { cause });
  }
}
