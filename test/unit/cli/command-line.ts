import { COMMANDS } from "../../../src/cli/src/commands/all.js";
import { GLOBAL_OPTIONS } from "../../../src/cli/src/global-options.js";
import type { Io } from "../../../src/cli/src/io.js";
import { parseOptions, type Values } from "../../../src/cli/src/options.js";
import { run } from "../../../src/cli/src/run.js";

export const SUBSCRIPTION = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
export const AT = `-g MyResourceGroup --gallery-name MyGallery --gallery-image-definition MyImage`;

/** The words of a line, as a shell makes them of one without quotes; `''` is an empty one. */
export function words(line: string): string[] {
  return line
    .trim()
    .split(/\s+/u)
    .map((word) => (word === "''" ? "" : word));
}

/** The options of a command's line. */
export function optionsOf(command: string, line: string): Values {
  const found = COMMANDS.find((each) => each.words === command);
  if (found === undefined) throw new TypeError(`no command ${command}`);
  return parseOptions(words(line), [...found.options, ...GLOBAL_OPTIONS], found.positional);
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly body: unknown;
}
/** A status, a body and headers; or what happens instead of an answer. */
export type Reply =
  readonly [status: number, body: unknown, headers?: Record<string, string>] | Error;

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly requests: readonly Request[];
}

export interface RunOptions {
  readonly environment?: Record<string, string>;
  readonly stdin?: string;
  readonly isTerminal?: boolean;
  readonly columns?: number;
  readonly interrupted?: AbortSignal;
  readonly sleep?: Io["sleep"];
  readonly browse?: Io["browse"];
}

/** What a program waits for, but for nothing, takes half a second at least. What is shorter was meant as seconds. */
const SHORTEST_WAIT_MS = 500;

/** Runs a command line against a service that answers what `reply` says to each request. */
export async function runLine(
  line: string | readonly string[],
  reply: (request: Request, number: number) => Reply | Promise<Reply>,
  options: RunOptions = {},
): Promise<Run> {
  const requests: Request[] = [];
  let stdout = "";
  let stderr = "";
  const { isTerminal = false, columns = 80, sleep } = options;
  const waits: number[] = [];
  const code = await run(typeof line === "string" ? words(line) : line, {
    stdin: (async function* () {
      yield await Promise.resolve(options.stdin ?? "");
    })(),
    stdout: { write: (text) => (stdout += text), isTTY: isTerminal, columns },
    stderr: { write: (text) => (stderr += text), isTTY: isTerminal, columns },
    environment: {
      SIGIL_ENDPOINT: "https://sigil.example",
      SIGIL_ACCESS_TOKEN: "token",
      SIGIL_SUBSCRIPTION: SUBSCRIPTION,
      SIGIL_CONFIG_DIR: "/nowhere",
      ...options.environment,
    },
    interrupted: options.interrupted ?? new AbortController().signal,
    sleep(ms, signal) {
      waits.push(ms);
      return sleep?.(ms, signal) ?? Promise.resolve();
    },
    browse: options.browse ?? (() => Promise.resolve(false)),
    fetch: async (address, init) => {
      const url = new URL(address);
      init?.signal?.throwIfAborted();
      const request = {
        method: init?.method ?? "GET",
        path: `${url.pathname}${url.search}`,
        headers: new Headers(init?.headers),
        body:
          typeof init?.body === "string"
            ? init.body.startsWith("<")
              ? init.body
              : (JSON.parse(init.body) as unknown)
            : undefined,
      };
      requests.push(request);
      const answer = await reply(request, requests.length);
      if (answer instanceof Error) throw answer;
      const [status, body, headers = {}] = answer;
      return new Response(status === 204 ? null : JSON.stringify(body), {
        status,
        headers,
      });
    },
  });
  const short = waits.filter((ms) => ms !== 0 && ms < SHORTEST_WAIT_MS);
  if (short.length > 0) throw new TypeError(`It has waited for ${short.join()} ms`);
  return { code, stdout, stderr, requests };
}

/** As the service shows an operation. */
export function operation(
  status: string,
  regions: readonly Record<string, unknown>[] = [],
  more: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    id: "op-1",
    kind: "CreateImageVersion",
    status,
    resourceId: `/subscriptions/${SUBSCRIPTION}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/galleries/MyGallery/images/MyImage/versions/1.0.0`,
    percentComplete: 0,
    createdTime: "2026-01-01T00:00:00Z",
    lastUpdatedTime: `2026-01-01T00:00:00Z ${status} ${JSON.stringify(regions)}`,
    regions,
    history: [],
    ...more,
  };
}

export const VERSION = {
  id: `/subscriptions/${SUBSCRIPTION}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/galleries/MyGallery/images/MyImage/versions/1.0.0`,
  name: "1.0.0",
  type: "Microsoft.Compute/galleries/images/versions",
  location: "westus",
  tags: { build: "1" },
  properties: {
    provisioningState: "Succeeded",
    publishingProfile: {
      endOfLifeDate: "2030-12-01T00:00:00Z",
      targetRegions: [
        {
          name: "West US",
          regionalReplicaCount: 2,
          encryption: { osDiskImage: { diskEncryptionSetId: "/west" } },
        },
        {
          name: "East US 2",
          regionalReplicaCount: 1,
          encryption: { osDiskImage: { diskEncryptionSetId: "/east" } },
        },
      ],
    },
    storageProfile: { source: { id: "/image" } },
  },
  sigil: {
    managedBy: "Sigil",
    operationId: "op-1",
    latest: true,
    latestIn: ["westus"],
    keys: { state: "AtRisk", problems: [], notSeen: [] },
    conditions: [
      {
        type: "KeyAtRisk",
        message: "A key of the version does not work, or soon will not.",
        whatToDo: {
          sentence: "Fix the key as `sigil.keys` says.",
          command: "sigil image-version show -e 1.0.0 --query sigil.keys",
          request: "GET /api/subscriptions/s",
        },
      },
    ],
    regions: [],
  },
} as const;

export const problem = (status: number, code: string, errors: readonly object[] = []): Reply => [
  status,
  {
    type: `urn:sigil:problem:${code}`,
    title: code,
    status,
    detail: `It is ${code}.`,
    code,
    errors,
  },
];
