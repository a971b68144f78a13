/**
 * Commands for one version or image definition that take many as one batch: by `--ids`, by the filters
 * of `sigil image-version query`, or as the items of an earlier batch. One id is the command as it is.
 */
import { imageVersionPath, type Schemas } from "@sigil/client";
import { readText } from "../body-file.js";
import type { Command, Context } from "../command.js";
import { UsageError } from "../exit-codes.js";
import { checkRequired, type Option } from "../options.js";
import { BATCH_OPTIONS, itemsOf, MOST_ITEMS, paceIn, runBatch } from "./batch.js";
import { VERSION_PLACE } from "./places.js";
import { FILTERS, rowsOf } from "./query.js";

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
/** Every command of this file has these options, or its own of the same name. */
export const MANY_OPTIONS: readonly Option[] = [
  IDS,
  ...Object.values(FILTERS).map((option) => ({ ...option, group: MANY })),
  OF_BATCH,
  STATE,
  ...BATCH_OPTIONS.map((option) => ({ ...option, group: MANY })),
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
      return isAlone
        ? command.run(contextOf(only, context))
        : runBatch(context, await requestOf(context, many, ids));
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
  if (ids.size > MOST_ITEMS)
    throw new UsageError(
      `${ids.size} are selected, and a batch takes ${MOST_ITEMS}. Select fewer, such as one gallery at a time: --gallery NAME.`,
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

async function requestOf(
  context: Context,
  { command, asked }: Many,
  ids: readonly string[],
): Promise<Batch> {
  const { values } = context;
  if (values.has("--if-match"))
    throw new UsageError("--if-match is the ETag of one version. Leave it out.");
  const { body, query = {}, ifMatch } = await asked(context, ids);
  return {
    command,
    ...(body !== undefined && { body: { ...body } }),
    ...(Object.keys(query).length > 0 && { query }),
    items: ids.map((id) => ({ id, ...(ifMatch !== undefined && { ifMatch }) })),
    ...paceIn(values),
  };
}
