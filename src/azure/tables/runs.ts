/**
 * What is asked while a run of the same key is under way is done together in the next one: requests of one host need not fight over an
 * ETag, nor wait for each other in turn.
 */
interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers requests, each in its place. */
type Run<Request, Answer> = (
  key: string,
  requests: readonly Request[],
) => Promise<readonly Answer[]>;

export class Runs<Request, Answer> {
  /** Those that wait, by key; gone once nothing is under way. */
  readonly #waiting = new Map<string, Waiting<Request, Answer>[]>();
  readonly #most: number;
  readonly #run: Run<Request, Answer>;

  /** `run` is given `most` requests at most; what it throws, all of them are told. */
  constructor(most: number, run: Run<Request, Answer>) {
    this.#most = most;
    this.#run = run;
  }

  /** How many keys have something under way. */
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
