import { readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const FILE_NAME = "service-bus.pid";

/**
 * A file with the number of the process that has a directory. One left behind by a kill names a process that is no more,
 * or, where numbers begin anew as in a container, this one: neither is in the way.
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
