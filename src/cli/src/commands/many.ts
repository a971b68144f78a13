/**
 * Commands for one version or image definition that take many as one batch: by `--ids`, by the filters
 * of `sigil image-version query`, or as the items of an earlier batch. One id is the command as it is.
 */
import {
  entries,
  hasEnded,
  imageVersionPath,
  OperationCanceledError,
  OperationFailedError,
  parseResourceId,
  type Operation,
  type Schemas,
} from "@sigil/client";
import { answerTo } from "../asking.js";
import { readText } from "../body-file.js";
import type { Command, Context, Result } from "../command.js";
import { Ended, UsageError, type Outcome } from "../exit-codes.js";
import { describeFindings } from "../findings.js";
import { follow, followAll } from "../following.js";
import { checkRequired, type Option } from "../options.js";
import type { Column } from "../output.js";
import { DRY_RUN } from "./forecast.js";
import { accepted } from "./operation-columns.js";
import { VERSION_PLACE } from "./places.js";
import { FILTERS, rowsOf } from "./query.js";

type Item = Schemas["BatchItem"];
type Batch = Schemas["BatchRequest"];

/** What each item is requested with. */
export interface Asked {
  readonly body?: object;
  readonly query?: Readonly<Record<string, boolean | string>>;
  readonly ifMatch?: string;
}

export interface Many {
  readonly command: Batch["command"];
  /** Throws UsageError if an option depends on a version's own values. */
  readonly asked: (context: Context, ids: readonly string[]) => Asked | Promise<Asked>;
}

/** The most items of one batch. */
const MOST = 500;
export const MANY = "Many versions";

const IDS: Option = {
  names: ["--ids"],
  kind: "list",
  help: "IDs of image versions. @FILE reads them from a file, one a line, and @- from standard input.",
  group: MANY,
};
const OF_BATCH: Option = {
  names: ["--batch"],
  help: "The versions of an earlier batch, by the ID of its operation.",
  group: MANY,
};
const STATE: Option = {
  names: ["--state"],
  kind: "list",
  choices: ["Unchanged", "Refused", "Succeeded", "Failed", "Canceled", "Skipped"],
  help: "With --batch: only items in these states.",
  group: MANY,
};
const AT_ONCE: Option = {
  names: ["--at-once"],
  kind: "number",
  help: "Maximum number of operations at a time, 1 to 50. Default: 10.",
  group: MANY,
};
const ON_FAILURE: Option = {
  names: ["--on-failure"],
  choices: ["stop", "continue"],
  help: "Whether an item that fails stops the others. With stop, an error in the plan of one stops all. Default: stop.",
  group: MANY,
};
const YES: Option = {
  names: ["--yes", "-y"],
  kind: "flag",
  help: "Do not ask for confirmation. Without a terminal, the command never asks.",
  group: MANY,
};
/** Every command of this file has these options, or its own of the same name. */
export const MANY_OPTIONS: readonly Option[] = [
  IDS,
  ...Object.values(FILTERS).map((option) => ({ ...option, group: MANY })),
  OF_BATCH,
  STATE,
  AT_ONCE,
  ON_FAILURE,
  { ...DRY_RUN, group: MANY },
  YES,
];
/** What only a batch understands, unless the command has it, too. */
const OF_BATCHES = ["--state", "--at-once", "--on-failure", "--dry-run"];

export function takingMany(command: Command, many: Many): Command {
  const has = (name = ""): boolean => command.options.some(({ names }) => names[0] === name);
  const places = VERSION_PLACE.map(({ names }) => names[0] ?? "");
  return {
    ...command,
    options: [
      ...command.options.map((option) =>
        places.includes(option.names[0] ?? "")
          ? { ...option, required: false, help: `Required without --ids. ${option.help}` }
          : option,
      ),
      ...MANY_OPTIONS.filter(({ names }) => !has(names[0])),
    ],
    async run(context) {
      const { values, note } = context;
      const ids = await idsIn(context, many);
      if (ids === undefined) {
        const alien = OF_BATCHES.find((name) => values.has(name) && !has(name));
        if (alien !== undefined)
          throw new UsageError(`${alien} goes with --ids, a filter such as --latest, or --batch.`);
        checkRequired(values, command.options);
        return command.run(context);
      }
      const place = places.find((name) => values.isGiven(name));
      if (place !== undefined)
        throw new UsageError(`${place} names one version: leave it out, or the other selection.`);
      const [only] = ids;
      if (only === undefined) {
        note("No version matches.");
        return { data: [] };
      }
      const isAlone = ids.length === 1 && (has("--dry-run") || !values.boolean("--dry-run"));
      return isAlone ? command.run(contextOf(only, context)) : runBatch(context, many, ids);
    },
  };
}

/** The ids that the command line selects, each once; undefined: it names one version by its place. */
async function idsIn(context: Context, { command }: Many): Promise<readonly string[] | undefined> {
  const { values, client } = context;
  const filters = Object.values(FILTERS).filter(({ names }) => values.isGiven(names[0]));
  const ways = [values.has("--ids"), filters.length > 0, values.has("--batch")];
  if (!ways.includes(true)) return undefined;
  if (ways.filter(Boolean).length > 1)
    throw new UsageError("Select the versions by --ids, by filters, or by --batch, in one way.");
  if (values.has("--state") && !values.has("--batch"))
    throw new UsageError("--state goes with --batch.");
  const operationId = values.text("--batch");
  const given =
    operationId !== undefined
      ? (await itemsOf(client, operationId, values.list("--state"))).map(({ id }) => id)
      : filters.length > 0
        ? (await rowsOf(client, values)).map(({ id }) => id)
        : await readIds(context, values.all("--ids"));
  const ids = new Map<string, string>();
  for (const each of given) {
    const id = idFor(command, each);
    ids.set(id.toLowerCase(), id);
  }
  if (ids.size > MOST)
    throw new UsageError(
      `${ids.size} are selected, and a batch takes ${MOST}. Select fewer, such as one gallery at a time: --gallery NAME.`,
    );
  return [...ids.values()];
}

async function readIds({ io }: Context, given: readonly string[]): Promise<readonly string[]> {
  const texts = await Promise.all(
    given.map(async (each) => (each.startsWith("@") ? readText(each.slice(1), io) : each)),
  );
  return texts.flatMap((text) => text.split(/\s+/u)).filter((id) => id !== "");
}

/** A rollback takes image definitions, and the id of a version stands for its own. */
function idFor(command: Batch["command"], id: string): string {
  const isRollback = command === "rollBackImage";
  const version = imageVersionPath(
    isRollback && !/\/versions\//iu.test(id) ? `${id}/versions/0.0.0` : id,
  );
  if (version === undefined)
    throw new UsageError(
      `--ids: "${id}" is no ID of an image ${isRollback ? "definition or version" : "version"}: /subscriptions/…/galleries/…/images/…${isRollback ? "" : "/versions/1.0.0"}.`,
    );
  return isRollback ? id.replace(/\/versions\/[^/]*$/iu, "") : id;
}

/** The context of the command for this one alone. */
function contextOf(id: string, context: Context): Context {
  const path = imageVersionPath(/\/versions\//iu.test(id) ? id : `${id}/versions/0.0.0`);
  if (path === undefined) throw new UsageError(`${id} is no ID.`);
  const { subscriptionId, resourceGroupName, galleryName, imageName, versionName } = path;
  return {
    ...context,
    subscriptionId: () => subscriptionId,
    values: context.values.with({
      "--resource-group": resourceGroupName,
      "--gallery-name": galleryName,
      "--gallery-image-definition": imageName,
      "--gallery-image-version": versionName,
    }),
  };
}

async function runBatch(context: Context, many: Many, ids: readonly string[]): Promise<Result> {
  const { client, io, note, values } = context;
  const dryRun = values.boolean("--dry-run") === true;
  const confirm = !dryRun && io.stderr.isTTY === true && values.boolean("--yes") !== true;
  const { body: begun } = await client.call("createBatch", {
    body: {
      ...(await requestOf(context, many, ids)),
      ...(confirm && { confirm }),
      ...(dryRun && { dryRun }),
    },
  });
  if (values.boolean("--no-wait")) {
    if (confirm) note(`It begins once it is confirmed: sigil operation confirm ${begun.id}`);
    return accepted(await follow(context, begun));
  }
  const planned = await endOf(context, begun, confirm ? isPlanned : undefined);
  const isOfPlan = confirm || dryRun || outcomeOf(planned) === "refused";
  if (isOfPlan) printPlan(context, await itemsOf(client, planned.id));
  const operation = hasEnded(planned) ? planned : await confirmed(context, planned);
  const items = await itemsOf(client, operation.id);
  if (operation !== planned || !isOfPlan)
    for (const item of items.filter(isBad)) noteErrors(context, item);
  return { ...batchResult(operation, items), outcome: outcomeOf(operation) };
}

async function requestOf(
  context: Context,
  { command, asked }: Many,
  ids: readonly string[],
): Promise<Batch> {
  const { values } = context;
  if (values.has("--if-match"))
    throw new UsageError("--if-match is the ETag of one version. Leave it out.");
  const atOnce = values.number("--at-once") ?? 10;
  if (atOnce < 1 || atOnce > 50) throw new UsageError(`--at-once is 1 to 50, not ${atOnce}.`);
  const onFailure = (values.text("--on-failure") ?? "stop") as Batch["onFailure"];
  const { body, query = {}, ifMatch } = await asked(context, ids);
  return {
    command,
    ...(body !== undefined && { body: { ...body } }),
    ...(Object.keys(query).length > 0 && { query }),
    items: ids.map((id) => ({ id, ...(ifMatch !== undefined && { ifMatch }) })),
    ...{ atOnce, onFailure },
  };
}

/** How it ended, whichever way; or as it is when `until` holds. */
async function endOf(
  context: Context,
  begun: Operation,
  until?: (operation: Operation) => boolean,
): Promise<Operation> {
  try {
    const [operation = begun] = await followAll(context, [begun], until);
    return operation;
  } catch (error) {
    if (error instanceof OperationFailedError || error instanceof OperationCanceledError)
      return error.operation;
    throw error;
  }
}

export function isPlanned({ history }: Operation): boolean {
  return history.at(-1)?.state === "Planned";
}

function outcomeOf({ status, error }: Operation): Outcome {
  if (status === "Canceled") return "canceled";
  if (status === "Succeeded") return "done";
  return error?.code === "PlanHasErrors" ? "refused" : "failed";
}

/** Asks, and follows the batch to its end. Without a yes it cancels the batch, and throws Ended. */
async function confirmed(context: Context, { id }: Operation): Promise<Operation> {
  const { client } = context;
  const path = { operationId: id };
  if (!/^y(?:es)?$/iu.test(await answerTo(context, "Begin? [y/N] "))) {
    await client.call("cancelOperation", { path });
    throw new Ended("interrupted", "Not confirmed: nothing was changed.");
  }
  return endOf(context, (await client.call("confirmBatch", { path })).body);
}

const MARKS: Readonly<Record<string, string>> = { Planned: "~", Unchanged: "=", Refused: "!" };

function printPlan(context: Context, items: readonly Item[]): void {
  const count = (state: Item["state"]): number =>
    items.filter((item) => item.state === state).length;
  const bad = count("Refused");
  context.note(
    `Plan of ${items.length}: ${items.length - count("Unchanged") - bad} to change, ${count("Unchanged")} as requested already, ${bad} with errors. Nothing is changed yet.`,
  );
  for (const item of items)
    if (item.errors !== undefined && item.errors.length > 0) noteErrors(context, item);
    else
      context.note(`${MARKS[item.state] ?? " "} ${nameOf(item)}  ${item.summary ?? ""}`.trimEnd());
}

function isBad({ state }: Item): boolean {
  return state !== "Succeeded" && state !== "Unchanged";
}

function noteErrors({ note }: Context, item: Item): void {
  note(`! ${nameOf(item)}  ${item.state}`);
  for (const line of describeFindings(item.errors ?? [])) note(line);
}

/** `MyGallery/MyImage 1.0.0`. */
function nameOf({ id }: Item): string {
  const [gallery, image, version] = parseResourceId(id)?.names ?? [];
  return image === undefined ? id : [`${gallery}/${image}`, version].filter(Boolean).join(" ");
}

export async function itemsOf(
  client: Context["client"],
  operationId: string,
  states?: readonly string[],
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const item of entries(client, "listBatchItems", {
    path: { operationId },
    query: { top: 100 },
  }))
    if (states === undefined || states.includes(item.state)) items.push(item);
  return items;
}

const ITEM_COLUMNS: readonly Column[] = [
  { title: "Item", of: nameOf },
  { title: "State", of: ({ state }: Item) => state },
  { title: "Plan", of: ({ summary }: Item) => summary },
  { title: "Operation", of: ({ operationId }: Item) => operationId },
  { title: "Errors", of: ({ errors }: Item) => errors?.map(({ code }) => code) },
];

/** A batch's operation with its items. */
export function batchResult(operation: Operation, items: readonly Item[]): Result {
  return {
    data: { ...operation, items },
    columns: ITEM_COLUMNS,
    rows: () => items,
  };
}
