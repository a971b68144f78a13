/** Counts what V8 runs: which functions of the product, and how often. */
import { Session } from "node:inspector";
import { pathToFileURL } from "node:url";

const SOURCES = [`${process.cwd()}/src/`, `${pathToFileURL(process.cwd()).href}/src/`];
const NOT_COUNTED = /^(?:azure|telemetry)\//u;

/**
 * How often each named function of src/ runs meanwhile, by file and name, but for the adapters of Azure and the telemetry. What
 * goes on after an `await` counts as another call.
 */
export async function callsDuring(
  run: () => Promise<unknown>,
): Promise<Readonly<Record<string, number>>> {
  const session = new Session();
  session.connect();
  try {
    await ask(session, "Profiler.enable");
    await ask(session, "Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    await ask(session, "Profiler.takePreciseCoverage"); // Sets each count to 0.
    await run();
    return countsIn((await ask(session, "Profiler.takePreciseCoverage")) as Taken);
  } finally {
    session.disconnect();
  }
}

interface Taken {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly functionName: string;
      readonly ranges: readonly { readonly count: number }[];
    }[];
  }[];
}

function ask(session: Session, method: string, params: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, params, (error, result) => {
      if (error === null) resolve(result);
      else reject(error);
    });
  });
}

function countsIn({ result }: Taken): Readonly<Record<string, number>> {
  const calls: Record<string, number> = {};
  for (const { url, functions } of result) {
    const source = SOURCES.find((one) => url.startsWith(one));
    const path = source === undefined ? "azure/" : url.slice(source.length);
    if (NOT_COUNTED.test(path)) continue;
    for (const { functionName, ranges } of functions) {
      const [{ count } = { count: 0 }] = ranges;
      const name = `${path} ${functionName}`;
      if (functionName !== "" && count > 0) calls[name] = (calls[name] ?? 0) + count;
    }
  }
  return calls;
}
