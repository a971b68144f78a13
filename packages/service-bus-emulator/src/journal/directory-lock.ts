import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const FILE_NAME = "service-bus.pid";

/**
 * A file with the process id of a directory's owner. After a kill, its id belongs to a process that
 * is gone or, if ids start again as in a container, to this one: neither blocks.
 */
export class DirectoryLock {
  readonly #file: string;

  /** Throws when another process that is running has the directory. */
  constructor(directory: string) {
    this.#file = path.join(directory, FILE_NAME);
    const owner = this.#owner();
    if (owner !== undefined && owner !== process.pid && isRunning(owner))
      throw new Error(
        `${directory} is in use by process ${owner}: stop it, or remove ${this.#file} if that is something else.`,
      );
    writeFileSync(this.#file, String(process.pid));
  }

  release(): void {
    rmSync(this.#file, { force: true });
  }

  #owner(): number | undefined {
    try {
      const owner = Number(readFileSync(this.#file, "utf8"));
      return Number.isInteger(owner) && owner > 0 ? owner : undefined;
    } catch {
      return undefined;
    }
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // A process of another user may not be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
