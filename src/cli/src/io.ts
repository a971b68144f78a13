import type { Output, Stream } from "./harmless.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command reads and writes; a test gives its own. */
export interface Io<Out = Output> {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Out;
  readonly stderr: Out;
  readonly environment: Environment;
  /** Aborted at Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly fetch: typeof fetch;
  /** Shows an address in a browser; false where there is none to show it in. */
  readonly browse: (address: string) => Promise<boolean>;
}

/** The process's own, whose streams take any text. */
export type ProcessIo = Io<Stream>;
