import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Milliseconds since the epoch; `lastMs` and `lastUpdatedMs` are undefined before the first occurrence. */
export interface ScheduleStatus {
  readonly lastMs: number | undefined;
  readonly nextMs: number;
  readonly lastUpdatedMs: number | undefined;
}

/** Remembers when each timer last ran, so that a host started later sees what it missed. */
export interface ScheduleMonitor {
  read(name: string): ScheduleStatus | undefined;
  write(name: string, status: ScheduleStatus): void;
}

/** Forgets everything with the process: no occurrence is ever past due. */
export function createVolatileMonitor(): ScheduleMonitor {
  return { read: () => undefined, write: () => undefined };
}

/** Keeps a JSON file a timer in `directory`, replaced atomically. The official host keeps blobs in AzureWebJobsStorage. */
export function createFileMonitor(directory: string): ScheduleMonitor {
  mkdirSync(directory, { recursive: true });
  const path = (name: string): string => join(directory, `${name}.json`);
  return {
    read: (name) =>
      existsSync(path(name))
        ? (JSON.parse(readFileSync(path(name), "utf8")) as ScheduleStatus)
        : undefined,
    write(name, status) {
      writeFileSync(`${path(name)}.new`, JSON.stringify(status));
      renameSync(`${path(name)}.new`, path(name));
    },
  };
}
