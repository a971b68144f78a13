export type Environment = Readonly<Record<string, string | undefined>>;

/** What a command reads and writes; a test gives its own. */
export interface Io {
  readonly stdin: AsyncIterable<Uint8Array | string>;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Environment;
  /** Aborted at Ctrl-C. */
  readonly interrupted: AbortSignal;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly fetch: typeof fetch;
  /** Shows an address in a browser; false where there is none to show it in. */
  readonly browse: (address: string) => Promise<boolean>;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}
