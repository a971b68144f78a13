import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface HostProcessOptions {
  /** Folder of host.json and package.json. */
  readonly scriptRoot: string;
  readonly port?: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stateDirectory?: string;
  /** Each line that the host prints. */
  readonly onLine?: (line: string) => void;
}

/** A functions host in a process of its own: it can be stopped, or killed as a machine that fails would. */
export interface HostProcess {
  /** Such as `http://127.0.0.1:7071`. */
  readonly origin: string;
  readonly pid: number;
  /** Resolves when the process has ended, however; the exit code, or null after a signal. */
  readonly exited: Promise<number | null>;
  /** Lets running invocations end. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

/** The compiled program, as seen from this package's src and from its dist. */
const HOST = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Starts the functions host and waits until it listens; rejects with what it printed when it ends before. */
export async function startHostProcess(options: HostProcessOptions): Promise<HostProcess> {
  const child = spawn(
    process.execPath,
    [
      HOST,
      "--script-root",
      options.scriptRoot,
      "--port",
      String(options.port ?? 0),
      ...(options.stateDirectory === undefined
        ? []
        : ["--state-directory", options.stateDirectory]),
    ],
    {
      env: options.environment,
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      // Of its own process group: a Ctrl-C in the terminal reaches the parent alone, which stops things in their order.
      detached: true,
    },
  );
  const exited = once(child, "exit").then(([code]) => code as number | null);
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on("line", (line) => {
      printed.push(line);
      if (printed.length > 50) printed.shift();
      options.onLine?.(line);
    });
  }
  const port = await Promise.race([
    readyPort(child),
    exited.then((code) => {
      throw new Error(
        `The functions host ended (${code ?? "by a signal"}) before it was ready.\n${printed.join("\n")}`,
      );
    }),
  ]);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    await exited;
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    exited,
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

function readyPort(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.on("message", (message: { type?: string; port?: number }) => {
      if (message.type === "ready" && message.port !== undefined) resolve(message.port);
    });
  });
}
