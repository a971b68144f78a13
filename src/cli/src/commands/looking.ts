import { entries, hasEnded, type Operation, type Schemas } from "@sigil/client";
import { toAz } from "../az/shape.js";
import type { Command, Context } from "../command.js";
import { Ended, UsageError } from "../exit-codes.js";
import { followAll, TIMEOUT } from "../following.js";
import { checkQuery, select } from "../output.js";
import { IMAGE_PLACE, imageIn, VERSION_PLACE, versionIn } from "./places.js";
import {
  pendingOperation,
  SAMPLE,
  VERSION_COLUMNS,
  versionNow,
  versionOrNothing,
} from "./versions.js";

type Region = Schemas["RegionWithEncryption"] & { readonly isLatest: boolean };
type Shown = ReturnType<typeof toAz>;

export const SHOW: Command = {
  words: "image-version show",
  summary: "Show an image version as Azure has it, whoever created it",
  description:
    "Prints each condition of the version to stderr: what is wrong, and what to do about it.",
  options: [
    ...VERSION_PLACE,
    {
      names: ["--expand"],
      help: "Accepted for compatibility with az. The replication status is always shown.",
    },
    {
      names: ["--refresh"],
      kind: "flag",
      help: "Read the version from Azure now.",
    },
  ],
  columns: [
    { title: "Region", of: ({ name }: Region) => name },
    { title: "State", of: ({ state }: Region) => state },
    { title: "Progress", of: ({ progress }: Region) => `${progress} %` },
    { title: "Latest", of: ({ isLatest }: Region) => (isLatest ? "yes" : "") },
  ],
  rows: (version) => {
    const { regions, latestIn } = (version as Shown).sigil;
    return regions.map((region) => ({
      ...region,
      isLatest: latestIn.includes(region.name),
    }));
  },
  examples: [
    [
      "Whether it is usable in eastus2",
      `sigil image-version show ${SAMPLE} --gallery-image-version 1.0.0 --query "sigil.regions[?name=='eastus2'].state" -o tsv`,
    ],
  ],
  async run(context) {
    const { body, headers } = await context.client.call("getImageVersion", {
      path: versionIn(context),
      query: context.values.boolean("--refresh") ? { refresh: true } : {},
    });
    for (const { type, message, whatToDo } of body.sigil.conditions ?? [])
      context.note(
        `${type}: ${message} ${whatToDo.sentence} ${whatToDo.command ?? whatToDo.request}`,
      );
    const { rollout } = body.sigil;
    if (rollout?.state === "Waiting") context.note(rollout.message);
    // `etag` is the value for --if-match.
    return { data: { ...toAz(body), etag: headers.get("ETag") ?? undefined } };
  },
};

export const LIST: Command = {
  words: "image-version list",
  summary: "List the versions of an image definition, highest first",
  options: IMAGE_PLACE,
  columns: VERSION_COLUMNS,
  async run(context) {
    const data = [];
    for await (const version of entries(context.client, "listImageVersions", {
      path: imageIn(context),
      query: { top: 100 },
    }))
      data.push(toAz(version));
    return { data };
  },
};

export const WAIT: Command = {
  words: "image-version wait",
  summary: "Wait until an image version meets a condition",
  description: `Like "az sig image-version wait": checks every --interval seconds until one of the conditions is met. The exit code is 5
if that takes longer than --timeout, and 1 if the version fails. To see the progress of each region, use
sigil image-version watch.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--created"],
      kind: "flag",
      help: "Wait until provisioningState is Succeeded.",
    },
    {
      names: ["--updated"],
      kind: "flag",
      help: "Wait until provisioningState is Succeeded.",
    },
    { names: ["--deleted"], kind: "flag", help: "Wait until the version is deleted." },
    {
      names: ["--captured"],
      kind: "flag",
      help: "Wait until the snapshots of --capture are complete: from then on the virtual machine may be deleted.",
    },
    { names: ["--exists"], kind: "flag", help: "Wait until the version exists." },
    {
      names: ["--custom"],
      help: "Wait until a JMESPath expression is true: provisioningState!='Creating'.",
    },
    {
      names: ["--interval"],
      kind: "number",
      help: "Number of seconds between two checks. Default: 30.",
    },
    { ...TIMEOUT, help: "Maximum number of seconds to wait. Default: 3600." },
    { names: ["--expand"], help: "Accepted for compatibility with az." },
  ],
  async run(context) {
    const { values, io } = context;
    const custom = values.text("--custom");
    const wanted = ["--created", "--updated", "--deleted", "--exists", "--captured"].filter(
      (name) => values.boolean(name),
    );
    if (wanted.length === 0 && custom === undefined)
      throw new UsageError(
        "Wait for what? Give --created, --updated, --deleted, --exists, --captured or --custom.",
      );
    if (custom !== undefined) await checkQuery(custom);
    const intervalSeconds = values.number("--interval") ?? 30;
    const timeoutSeconds = values.number("--timeout") ?? 3600;
    for (let seconds = 0; ; seconds += Math.max(1, intervalSeconds)) {
      if (values.boolean("--captured") && (await isCaptured(context))) return {};
      const version = await versionOrPending(context);
      if (version === undefined) {
        if (values.boolean("--deleted")) return {};
      } else if (version !== "pending") {
        const { provisioningState } = version.properties;
        if (values.boolean("--exists")) return {};
        if (values.boolean("--created") || values.boolean("--updated")) {
          if (provisioningState === "Succeeded") return {};
          if (provisioningState === "Failed") throw new Ended("failed", "The version has failed.");
        }
        if (custom !== undefined && Boolean(await select(toAz(version), custom))) return {};
      }
      if (seconds + intervalSeconds > timeoutSeconds)
        throw new Ended("timedOut", `Not so within ${timeoutSeconds} s.`);
      await io.sleep(Math.max(1, intervalSeconds) * 1000, io.interrupted);
    }
  },
};

export const WATCH: Command = {
  words: "image-version watch",
  summary: "Follow the last operation on an image version until it ends",
  description: `If the operation has already ended, prints the version as it is in Azure now. The exit code is 1 if Azure no longer has
the version in a region of the operation, or if a region is not usable.`,
  options: [...VERSION_PLACE, TIMEOUT],
  columns: VERSION_COLUMNS,
  async run(context) {
    const { operationId, version } = await lastOperation(context);
    if (operationId === undefined)
      throw new Ended("refused", "Sigil was never asked to do anything to this version.");
    const { body: operation } = await context.client.call("getOperation", {
      path: { operationId },
    });
    for (const { message } of version?.sigil.warnings ?? []) context.note(message);
    if (version === undefined || !isSeenSince(operation, version)) {
      await followAll(context, [operation]);
      const now = await versionOrNothing(context);
      return now === undefined ? {} : { data: toAz(now) };
    }
    context.progress({ ...operation, regions: version.sigil.regions });
    // Throws the operation's error. Do not show its regions: they are old.
    await followAll({ ...context, progress: () => undefined }, [operation]);
    const unusable = unusableRegions(operation, version);
    if (unusable.length > 0) throw new Ended("failed", unusable);
    return { data: toAz(version) };
  },
};

/** Throws the operation's error if it ended otherwise. */
async function isCaptured(context: Context): Promise<boolean> {
  const { operationId } = await lastOperation(context);
  if (operationId === undefined) return true;
  const { body: operation } = await context.client.call("getOperation", { path: { operationId } });
  if (hasEnded(operation)) await followAll(context, [operation]);
  return operation.status !== "NotStarted";
}

type ImageVersion = Schemas["ImageVersion"];

async function lastOperation(context: Context): Promise<{
  readonly operationId: string | undefined;
  readonly version?: ImageVersion;
}> {
  try {
    const version = await versionNow(context);
    return { operationId: version.sigil.operationId, version };
  } catch (error) {
    const operationId = pendingOperation(error);
    if (operationId === undefined) throw error;
    return { operationId };
  }
}

/**
 * Whether Azure showed the version after the operation ended. What it showed earlier says less than
 * the operation.
 */
function isSeenSince(operation: Operation, { sigil: { seenTime } }: ImageVersion): boolean {
  return (
    hasEnded(operation) &&
    seenTime !== undefined &&
    operation.endTime !== undefined &&
    Date.parse(seenTime) > Date.parse(operation.endTime)
  );
}

function unusableRegions(
  operation: Operation,
  { sigil: { regions } }: ImageVersion,
): readonly string[] {
  const names = regions.map(({ name }) => name);
  return [
    ...operation.regions
      .filter(
        ({ name, state }) =>
          operation.kind !== "DeleteImageVersion" && state === "Completed" && !names.includes(name),
      )
      .map(({ name }) => `${name}: Azure no longer has the version there.`),
    ...regions
      .filter(({ state }) => state !== "Completed")
      .map(({ name, state, details }) => [`${name}: ${state}.`, details].filter(Boolean).join(" ")),
  ];
}

async function versionOrPending(
  context: Context,
): Promise<Awaited<ReturnType<typeof versionOrNothing>> | "pending"> {
  try {
    return await versionOrNothing(context);
  } catch (error) {
    if (pendingOperation(error) === undefined) throw error;
    return "pending";
  }
}
