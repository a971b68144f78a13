import { entries, hasEnded, isUnavailable, type Operation, type Schemas } from "@sigil/client";
import { answerTo } from "../asking.js";
import type { Command, Context } from "../command.js";
import { Ended, UsageError } from "../exit-codes.js";
import { followAll, TIMEOUT, watchLine } from "../following.js";
import type { Option, Positional } from "../options.js";
import { batchResult, itemsOf } from "./batch.js";
import { ALLOW_NO_LATEST, allowNoLatest } from "./no-latest.js";
import { filtersOf, isOf, type Filters } from "./filters.js";
import { OPERATION_COLUMNS } from "./operation-columns.js";
import { versionOf, wordsOf } from "../progress.js";

const IDS: Positional = {
  name: "OPERATION",
  help: "IDs of operations.",
  many: true,
};

const FILTER: Option = {
  names: ["--filter"],
  kind: "list",
  help: "Only operations that match every name=value. Names: status, kind, subscription, gallery and image (by name or ID), version, by, needsAttention (true: has waited too long, or a region failed).",
};

const LIST: Command = {
  words: "operation list",
  summary: "List operations, newest first",
  options: [
    FILTER,
    {
      names: ["--top"],
      kind: "number",
      help: "Maximum number of operations. Default: 100.",
    },
  ],
  columns: OPERATION_COLUMNS,
  examples: [
    ["List running operations", "sigil operation list --filter status=Running -o table"],
    [
      "List failed operations of one image definition",
      "sigil operation list --filter status=Failed image=MyImage",
    ],
  ],
  async run(context) {
    const data: Operation[] = [];
    const top = context.values.number("--top") ?? 100;
    for await (const operation of matching(context)) {
      if (data.length >= top) break;
      data.push(operation);
    }
    return { data };
  },
};

const SHOW: Command = {
  words: "operation show",
  summary: "Show an operation: its regions or items, its transitions, and why it failed",
  options: [
    {
      names: ["--calls"],
      kind: "flag",
      help: "Include each call to Azure Resource Manager with its correlation ID.",
    },
  ],
  positional: { ...IDS, many: false, required: true },
  columns: OPERATION_COLUMNS,
  async run({ client, values }) {
    const [operationId = ""] = values.positionals;
    const { body } = await client.call("getOperation", {
      path: { operationId },
      query: values.boolean("--calls") ? { expand: "calls" } : {},
    });
    return body.batch === undefined
      ? { data: body }
      : batchResult(body, await itemsOf(client, operationId));
  },
};

const CONFIRM: Command = {
  words: "operation confirm",
  summary: "Confirm a batch that is planned, so that it begins",
  description: "To see its plan: sigil operation show. To follow it: sigil operation watch.",
  options: [],
  positional: { ...IDS, many: false, required: true },
  columns: OPERATION_COLUMNS,
  async run({ client, values }) {
    const [operationId = ""] = values.positionals;
    return { data: (await client.call("confirmBatch", { path: { operationId } })).body };
  },
};

const WATCH: Command = {
  words: "operation watch",
  summary: "Follow operations until they end",
  description: "The exit code is 0 if all operations succeed.",
  options: [TIMEOUT],
  positional: { ...IDS, required: true },
  columns: OPERATION_COLUMNS,
  async run(context) {
    return { data: await followAll(context, context.values.positionals) };
  },
};

const CANCEL: Command = {
  words: "operation cancel",
  summary: "Cancel operations, by ID or by filter",
  description: `With --filter, shows how many operations match and asks for confirmation, unless you add --yes. A canceled operation
cleans up before it ends. To follow it: sigil operation watch.`,
  options: [
    FILTER,
    {
      names: ["--yes", "-y"],
      kind: "flag",
      help: "Do not ask for confirmation.",
    },
    {
      ...ALLOW_NO_LATEST,
      help: "Exclude a version that is being created from latest, even if no other version is ready in a region.",
    },
  ],
  positional: IDS,
  columns: OPERATION_COLUMNS,
  examples: [
    ["Cancel all operations in a gallery", "sigil operation cancel --filter gallery=MyGallery"],
    [
      "Cancel a creation, even if it leaves a region without a latest version",
      "sigil operation cancel 0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1 --allow-no-latest",
    ],
  ],
  async run(context) {
    const { values, client, note } = context;
    const isFiltered = values.has("--filter");
    if (isFiltered === values.positionals.length > 0)
      throw new UsageError("Give the ids of operations, or --filter.");
    const ids = [...values.positionals];
    if (isFiltered) {
      for await (const operation of matching(context))
        if (!hasEnded(operation)) {
          ids.push(operation.id);
          note(`${operation.id}  ${wordsOf(operation)} ${versionOf(operation)}`);
        }
      if (ids.length === 0) {
        note("No running operation matches.");
        return { data: [] };
      }
      await confirm(
        context,
        `Cancel ${ids.length === 1 ? "this operation" : `these ${ids.length} operations`}?`,
      );
    }
    const data: Operation[] = [];
    let failed = 0;
    for (const operationId of ids)
      try {
        const { body } = await client.call("cancelOperation", {
          path: { operationId },
          query: allowNoLatest(context),
        });
        data.push(body);
      } catch (error) {
        if (ids.length === 1 || isUnavailable(error)) throw error;
        failed += 1;
        note(`${operationId}: ${(error as Error).message}`);
      }
    const open = data.filter((operation) => !hasEnded(operation));
    if (open.length > 0)
      note(`Canceled; they clean up first. To follow them: ${watchLine(open.map(({ id }) => id))}`);
    return { data, ...(failed > 0 && { outcome: "refused" as const }) };
  },
};

export const OPERATION_COMMANDS: readonly Command[] = [LIST, SHOW, CONFIRM, WATCH, CANCEL];

/** Throws `Ended` unless the user answers yes. */
async function confirm(context: Context, question: string): Promise<void> {
  if (context.values.boolean("--yes")) return;
  if (!context.io.stderr.isTTY)
    throw new UsageError(`${question} There is no terminal to confirm at. Give --yes.`);
  if (/^y(?:es)?$/iu.test(await answerTo(context, `${question} [y/N] `))) return;
  throw new Ended("interrupted", "Nothing was canceled.");
}

const FILTERS = [
  "status",
  "kind",
  "subscription",
  "gallery",
  "image",
  "version",
  "by",
  "needsAttention",
] as const;

/** Lists the matching operations. The service filters what it can, and this does the rest. */
async function* matching({ client, values, io }: Context): AsyncGenerator<Operation> {
  const filters = filtersOf(values.list("--filter"), FILTERS);
  const id = (name: (typeof FILTERS)[number]): string | undefined =>
    filters.get(name)?.startsWith("/") ? filters.get(name) : undefined;
  const gallery = id("gallery");
  const imageDefinition = id("image");
  const subscriptionId = filters.get("subscription");
  const status = filters.get("status") as Schemas["OperationStatus"] | undefined;
  const listing = entries(client, "listOperations", {
    query: {
      top: 100,
      ...(gallery !== undefined && { gallery }),
      ...(imageDefinition !== undefined && { imageDefinition }),
      ...(subscriptionId !== undefined && { subscriptionId }),
      ...(status !== undefined && { status }),
      ...(filters.get("needsAttention") === "true" && { needsAttention: true }),
    },
    signal: io.interrupted,
  });
  for await (const operation of listing) if (isMatching(operation, filters)) yield operation;
}

function isMatching(
  { kind, resourceId, requestedBy }: Operation,
  filters: Filters<(typeof FILTERS)[number]>,
): boolean {
  const wantedKind = filters.get("kind")?.toLowerCase();
  const by = filters.get("by")?.toLowerCase();
  return (
    isOf(resourceId, filters) &&
    (wantedKind === undefined || kind.toLowerCase() === wantedKind) &&
    (by === undefined ||
      [requestedBy?.name, requestedBy?.appId, requestedBy?.objectId].some(
        (each) => each?.toLowerCase() === by,
      ))
  );
}
