/** `sigil apply`: image versions as files say, as one batch of whole versions. */
import {
  entries,
  imageVersionPath,
  ProblemError,
  type Client,
  type ImageVersionPath,
  type Schemas,
} from "@sigil/client";
import { canonicalRegion } from "../az/shape.js";
import type { Command, Context, Result } from "../command.js";
import { declaredIn, isObject, isSameId, placesOf, type Declared } from "../declared.js";
import { UsageError } from "../exit-codes.js";
import { WAIT_OPTIONS } from "../following.js";
import { ITEM_COLUMNS, BATCH_OPTIONS, nameOf, paceIn, runBatch } from "./batch.js";
import { allowNoLatest, ALLOW_NO_LATEST } from "./no-latest.js";
import { VERSION } from "./places.js";

type Version = Schemas["ImageVersion"];
type Json = Readonly<Record<string, unknown>>;

/** What Azure has and no file says. */
interface Undeclared {
  readonly id: string;
  /** Its regions that its file does not name. */
  readonly regions?: readonly string[];
  /** No file declares it, and it is the latest in these regions. */
  readonly latestIn?: readonly string[];
}

export const APPLY: Command = {
  words: "apply",
  summary: "Create or change image versions as files say, as one batch",
  description: `A file is what "image-version create --file" takes, with an "id": that of an image version, or that of an image definition,
whose version --gallery-image-version names. With "targets" it declares several, in any galleries: each target has an "id" and is merged over
the rest of the file (RFC 7396), and may have a "stage" from 0 to 9. A stage begins once every version of the earlier ones is the latest
wherever its promotion rule brings it, or, without a rule, ready in every region. All versions are planned before the first is begun.
Nothing is removed because a file does not name it.`,
  options: [
    {
      names: ["--file", "-f"],
      kind: "list",
      required: true,
      help: "Files, or directories, whose .json files are taken. Use - for standard input.",
    },
    {
      ...VERSION,
      required: false,
      help: "Version number, for each ID that has none: major.minor.patch.",
    },
    {
      names: ["--detect"],
      kind: "flag",
      help: "Change nothing, and exit with 3 if anything differs: what would change, regions that a file does not name, and versions that are the latest of an image definition in the files and that no file declares.",
    },
    {
      names: ["--prune-regions"],
      kind: "flag",
      help: "Remove versions from the regions that their file does not name.",
    },
    ALLOW_NO_LATEST,
    ...BATCH_OPTIONS,
    ...WAIT_OPTIONS,
  ],
  columns: ITEM_COLUMNS,
  examples: [
    [
      "Publish what the files of a directory declare, as 4.13.0",
      "sigil apply -f images --gallery-image-version 4.13.0",
    ],
    ["Fail a pipeline if Azure differs from the files", "sigil apply -f images --detect"],
  ],
  async run(context) {
    const { client, values, note } = context;
    const declared = await declaredIn(
      values.list("--file") ?? [],
      values.text("--gallery-image-version"),
      context.io,
    );
    const isDetecting = values.boolean("--detect") === true;
    const isPruning = values.boolean("--prune-regions") === true;
    if (isDetecting && values.boolean("--no-wait") === true)
      throw new UsageError("--detect waits for the plan: leave --no-wait out.");
    const undeclared = isDetecting || isPruning ? await undeclaredBy(client, declared) : [];
    const places = placesOf(declared);
    context.usePlaces(places);
    const result = await runBatch(
      context,
      {
        command: "putImageVersion",
        items: declared.map((one) => ({
          id: one.id,
          ...(one.stage !== undefined && { stage: one.stage }),
          body: { ...one.body },
          ...(isPruning && pruning(context, one, undeclared)),
        })),
        ...paceIn(values),
      },
      { places, ...(isDetecting && { dryRun: true }) },
    );
    if (!isDetecting) return result;
    const differences = undeclared.filter(({ regions }) => regions === undefined || !isPruning);
    for (const one of differences) note(`! ${nameOf(one)}  ${tellOf(one)}`);
    return detected(result, differences);
  },
};

function detected(result: Result, undeclared: readonly Undeclared[]): Result {
  const { items } = result.data as { readonly items: readonly Schemas["BatchItem"][] };
  const isSame = undeclared.length === 0 && items.every(({ state }) => state === "Unchanged");
  return {
    ...result,
    data: { ...(result.data as object), undeclared },
    ...(!isSame && result.outcome === "done" && { outcome: "refused" }),
  };
}

function tellOf({ regions, latestIn = [] }: Undeclared): string {
  return regions === undefined
    ? `is the latest in ${latestIn.join(", ")}, and no file declares it`
    : `is in ${regions.join(", ")}, which its file does not name`;
}

function pruning(
  context: Context,
  { id }: Declared,
  undeclared: readonly Undeclared[],
): { query?: Record<string, string | boolean> } {
  const regions = undeclared.find((one) => isSameId(one.id, id))?.regions ?? [];
  return regions.length === 0
    ? {}
    : { query: { removeRegions: regions.join(","), ...allowNoLatest(context) } };
}

/** Asks Azure, through Sigil, once for each image definition. */
async function undeclaredBy(
  client: Client,
  declared: readonly Declared[],
): Promise<readonly Undeclared[]> {
  const definitions = new Map<string, ImageVersionPath>();
  for (const { id } of declared) {
    const place = imageVersionPath(id);
    if (place) definitions.set(id.replace(/\/versions\/[^/]*$/iu, "").toLowerCase(), place);
  }
  const undeclared: Undeclared[] = [];
  for (const { versionName: _, ...image } of definitions.values())
    for (const { id, properties, sigil } of await versionsOf(client, image)) {
      const one = declared.find((each) => isSameId(each.id, id));
      const { latestIn } = sigil;
      if (one === undefined) {
        if (latestIn.length > 0) undeclared.push({ id, latestIn });
        continue;
      }
      const named = regionsIn(one.body);
      const regions = regionsIn({ properties })?.filter((name) => named?.includes(name) === false);
      if (regions !== undefined && regions.length > 0) undeclared.push({ id, regions });
    }
  return undeclared;
}

/** None if the image definition does not exist: its plan says so. */
async function versionsOf(
  client: Client,
  image: Omit<ImageVersionPath, "versionName">,
): Promise<readonly Version[]> {
  const versions: Version[] = [];
  try {
    for await (const one of entries(client, "listImageVersions", {
      path: image,
      query: { top: 100 },
    }))
      versions.push(one);
  } catch (error) {
    if (!(error instanceof ProblemError) || error.status !== 404) throw error;
  }
  return versions;
}

/** Canonical; undefined: it names no list of regions. */
function regionsIn(version: object): readonly string[] | undefined {
  const profile = (version as { readonly properties?: Json }).properties?.["publishingProfile"];
  const regions = isObject(profile) ? profile["targetRegions"] : undefined;
  return Array.isArray(regions)
    ? regions.map((one: unknown) => canonicalRegion(isObject(one) ? one["name"] : undefined))
    : undefined;
}
