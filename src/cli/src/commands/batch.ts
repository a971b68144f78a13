/** One batch: asked for, planned, confirmed by a person on a terminal, and followed to its end. */
import {
  entries,
  hasEnded,
  OperationCanceledError,
  OperationFailedError,
  parseResourceId,
  type Operation,
  type Schemas,
} from "@sigil/client";
import { answerTo } from "../asking.js";
import type { Places } from "../body-file.js";
import type { Context, Result } from "../command.js";
import { Ended, UsageError, type Outcome } from "../exit-codes.js";
import { describeFindings, type Finding } from "../findings.js";
import { follow, followAll } from "../following.js";
import type { Option, Values } from "../options.js";
import type { Column } from "../output.js";
import { DRY_RUN } from "./forecast.js";
import { accepted } from "./operation-columns.js";

type Item = Schemas["BatchItem"];
type Batch = Schemas["BatchRequest"];

export const MOST_ITEMS = 500;

const AT_ONCE: Option = {
  names: ["--at-once"],
  kind: "number",
  help: "Maximum number of operations at a time, 1 to 50. Default: 10.",
};
const ON_FAILURE: Option = {
  names: ["--on-failure"],
  choices: ["stop", "continue"],
  help: "Whether an item that fails stops the others. With stop, an error in the plan of one stops all. Default: stop.",
};
const YES: Option = {
  names: ["--yes", "-y"],
  kind: "flag",
  help: "Do not ask for confirmation. Without a terminal, the command never asks.",
};
export const BATCH_OPTIONS: readonly Option[] = [AT_ONCE, ON_FAILURE, DRY_RUN, YES];

/** How many at once, and what a failure stops. Throws UsageError. */
export function paceIn(values: Values): Pick<Batch, "atOnce" | "onFailure"> {
  const atOnce = values.number("--at-once") ?? 10;
  if (atOnce < 1 || atOnce > 50) throw new UsageError(`--at-once is 1 to 50, not ${atOnce}.`);
  return { atOnce, onFailure: (values.text("--on-failure") ?? "stop") as Batch["onFailure"] };
}

interface How {
  readonly dryRun?: boolean;
  readonly places?: Places;
}

/** Plans, asks on a terminal, and follows it to its end. `places`: where each part of the request was written. */
export async function runBatch(
  context: Context,
  request: Batch,
  { dryRun = context.values.boolean("--dry-run") === true, places }: How = {},
): Promise<Result> {
  const { client, io, note, values } = context;
  const confirm = !dryRun && io.stderr.isTTY === true && values.boolean("--yes") !== true;
  const { body: begun } = await client.call("createBatch", {
    body: {
      ...request,
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
  if (isOfPlan) await printPlan(context, await itemsOf(client, planned.id), places);
  const operation = hasEnded(planned) ? planned : await confirmed(context, planned);
  const items = await itemsOf(client, operation.id);
  if (operation !== planned || !isOfPlan)
    for (const item of items.filter(isBad)) await noteErrors(context, items, item, places);
  return {
    ...batchResult(operation, items),
    findings: items.flatMap((item) => errorsOf(items, item)),
    outcome: outcomeOf(operation),
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

async function printPlan(
  context: Context,
  items: readonly Item[],
  places: Places | undefined,
): Promise<void> {
  const count = (state: Item["state"]): number =>
    items.filter((item) => item.state === state).length;
  const bad = count("Refused");
  context.note(
    `Plan of ${items.length}: ${items.length - count("Unchanged") - bad} to change, ${count("Unchanged")} as requested already, ${bad} with errors. Nothing is changed yet.`,
  );
  for (const item of items)
    if (item.errors !== undefined && item.errors.length > 0)
      await noteErrors(context, items, item, places);
    else
      context.note(`${MARKS[item.state] ?? " "} ${nameOf(item)}  ${item.summary ?? ""}`.trimEnd());
}

function isBad({ state }: Item): boolean {
  return state !== "Succeeded" && state !== "Unchanged";
}

async function noteErrors(
  { note }: Context,
  items: readonly Item[],
  item: Item,
  places: Places | undefined,
): Promise<void> {
  note(`! ${nameOf(item)}  ${item.state}`);
  const findings = errorsOf(items, item);
  for (const line of await describeFindings(findings, places)) note(line);
}

/** With pointers into the batch's request. */
function errorsOf(items: readonly Item[], item: Item): readonly Finding[] {
  return (item.errors ?? []).map((one) => ({
    ...one,
    pointer: `/items/${items.indexOf(item)}/body${one.pointer}`,
  }));
}

/** `MyGallery/MyImage 1.0.0`. */
export function nameOf({ id }: Pick<Item, "id">): string {
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

export const ITEM_COLUMNS: readonly Column[] = [
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
