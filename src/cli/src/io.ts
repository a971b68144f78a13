import type { Output, Stream } from "./harmless.js";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The input and output of a command; tests supply their own. */
export interface Io<Out = Output> {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Out;
  readonly stderr: Out;
  readonly environment: Environment;
  /** Aborted at Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly fetch: typeof fetch;
  /** Opens an address in a browser; false if there is none. */
  readonly browse: (address: string) => Promise<boolean>;
}

/** The process's own input and output, whose streams take any text. */
export type ProcessIo = Io<Stream>;
