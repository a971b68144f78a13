/**
 * Requests that arrive during a run of the same key run together in the next one. So the requests
 * of one host neither compete for an ETag nor wait in line.
 */
interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Returns the answers in the order of the requests. */
type Run<Request, Answer> = (
  key: string,
  requests: readonly Request[],
) => Promise<readonly Answer[]>;

export class Runs<Request, Answer> {
  /** Waiting requests by key; absent: nothing runs for the key. */
  readonly #waiting = new Map<string, Waiting<Request, Answer>[]>();
  readonly #most: number;
  readonly #run: Run<Request, Answer>;

  /** `run` receives at most `most` requests. If it throws, each of them fails with that error. */
  constructor(most: number, run: Run<Request, Answer>) {
    this.#most = most;
    this.#run = run;
  }

  /** How many keys have a run. */
  get size(): number {
    return this.#waiting.size;
  }

  ask(key: string, request: Request): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const present = this.#waiting.get(key);
      const waiting = present ?? [];
      waiting.push({ request, resolve, reject });
      if (present !== undefined) return;
      this.#waiting.set(key, waiting);
      void this.#work(key, waiting);
    });
  }

  async #work(key: string, waiting: Waiting<Request, Answer>[]): Promise<void> {
    while (waiting.length > 0) {
      const together = waiting.splice(0, this.#most);
      try {
        const answers = await this.#run(
          key,
          together.map(({ request }) => request),
        );
        for (const [i, { resolve }] of together.entries()) resolve(answers[i] as Answer);
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#waiting.delete(key);
  }
}
