import {
  entries,
  imageVersionPath,
  NotFoundError,
  PreconditionFailedError,
  type Operation,
  type Schemas,
} from "@sigil/client";
import { bodyOf, type Body } from "../az/image-version-body.js";
import { toAz } from "../az/shape.js";
import { updateOf } from "../az/update.js";
import { readBodyFile } from "../body-file.js";
import type { Command, Context, Result } from "../command.js";
import { Ended, UsageError } from "../exit-codes.js";
import { FINDING_COLUMNS } from "../findings.js";
import { follow, followAll, TIMEOUT, WAIT_OPTIONS } from "../following.js";
import type { Option } from "../options.js";
import { checkQuery, select, type Column } from "../output.js";
import {
  BODY_OPTIONS,
  FILE,
  SAFETY_OPTIONS,
  TARGET_OPTIONS,
} from "./create-options.js";
import { accepted } from "./operation-columns.js";
import {
  IF_MATCH,
  IMAGE_PLACE,
  imageIn,
  VERSION_PLACE,
  versionIn,
  VERSION,
} from "./places.js";

type ImageVersion = Schemas["ImageVersion"];
type AzVersion = ReturnType<typeof toAz>;

/** As az's table of versions, and which one is the latest. */
const COLUMNS: readonly Column[] = [
  { title: "Name", of: ({ name }: AzVersion) => name },
  {
    title: "ProvisioningState",
    of: (each: AzVersion) => each.provisioningState,
  },
  {
    title: "TargetRegions",
    of: ({ publishingProfile }: AzVersion) =>
      publishingProfile?.targetRegions?.map(({ name }) => name),
  },
  {
    title: "ReplicationState",
    of: ({ replicationStatus }: AzVersion) =>
      replicationStatus?.aggregatedState,
  },
  {
    title: "Latest",
    of: ({ sigil }: AzVersion) => (sigil.latest ? "yes" : ""),
  },
  { title: "LatestIn", of: ({ sigil }: AzVersion) => sigil.latestIn },
];

const SAMPLE =
  "-g MyResourceGroup --gallery-name MyGallery --gallery-image-definition MyImage";

export const PROMOTE_WHEN: Option = {
  names: ["--promote-when"],
  choices: ["manual", "allRegionsReady"],
  help: "Keep the version out of latest until every region is ready, or until it is promoted.",
  group: "Publishing",
};

const NO_PLAN: Option = {
  names: ["--no-plan"],
  kind: "flag",
  help: "Accept the request without a plan: its errors are found right before the version is created.",
};

const CREATE: Command = {
  words: "image-version create",
  summary:
    "Create an image version, and wait until it is usable in every region",
  description: `The options are those of "az sig image-version create". The request is planned first: what Azure would refuse
hours later is refused now, with exit code 3 and what corrects it. Then it waits for every region, and
prints the version. The same command again is the same request.`,
  options: [
    ...IMAGE_PLACE,
    { ...VERSION, required: false },
    {
      names: ["--increment"],
      choices: ["patch", "minor", "major"],
      help: "Take the next number instead of --gallery-image-version.",
    },
    ...BODY_OPTIONS,
    FILE,
    PROMOTE_WHEN,
    NO_PLAN,
    {
      names: ["--idempotency-key"],
      help: "Names the request: repeated with the same key, it is the same one. Default: a new one for each command.",
    },
    {
      names: ["--recreate"],
      kind: "flag",
      help: "Create a version under a number that existed and is gone.",
    },
    IF_MATCH,
    ...WAIT_OPTIONS,
  ],
  columns: COLUMNS,
  examples: [
    [
      "From a managed image, each disk with a key of its own in each region",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --location westus --target-regions westus=2=standard_lrs eastus2 --target-region-encryption WestUSDiskEncryptionSet1,0,WestUSDiskEncryptionSet2 EastUS2DiskEncryptionSet1,0,EastUS2DiskEncryptionSet2 --managed-image myImage`,
    ],
    [
      "From snapshots",
      `sigil image-version create ${SAMPLE} --gallery-image-version 1.0.0 --location westus --target-regions westus --os-snapshot myOSSnapshot --data-snapshot-luns 0 --data-snapshots myDDSnapshot`,
    ],
    [
      "What a file has, under the next number",
      `sigil image-version create ${SAMPLE} --increment patch --file version.json`,
    ],
  ],
  async run(context) {
    const { client, values } = context;
    const body = await requestOf(context);
    const query = values.boolean("--no-plan")
      ? {}
      : { plan: "require" as const };
    const key = values.text("--idempotency-key");
    const header = key === undefined ? {} : { "Idempotency-Key": key };
    const increment = values.text("--increment") as "patch" | undefined;
    if (increment !== undefined) {
      if (values.has("--gallery-image-version"))
        throw new UsageError(
          "--increment takes the next number: leave --gallery-image-version out.",
        );
      const { body: operation } = await client.call("createNextImageVersion", {
        path: imageIn(context),
        query: { ...query, increment },
        header,
        body,
      });
      return ended(context, operation);
    }
    const answer = await client.call("putImageVersion", {
      path: versionIn(context),
      query,
      header: {
        ...header,
        ...ifMatch(context),
        ...(values.boolean("--recreate") && { "If-None-Match": "*" as const }),
      },
      body,
    });
    if (answer.status === 202) return ended(context, answer.body);
    context.note("The version is as requested already.");
    return { data: toAz(answer.body) };
  },
};

const PLAN: Command = {
  words: "image-version plan",
  summary: "Say what a create would meet and do, and do nothing",
  description: `Takes the options of "image-version create". Prints every rule that the request breaks, with what corrects
it; with --output json what would change and the request that would go to Azure, too. The exit code is 3
if one of the findings is an error.`,
  options: [...VERSION_PLACE, ...BODY_OPTIONS, FILE, PROMOTE_WHEN],
  columns: FINDING_COLUMNS,
  rows: (plan) => (plan as Schemas["Plan"]).findings,
  output: "table",
  examples: [
    [
      "What is wrong with a file",
      `sigil image-version plan ${SAMPLE} --gallery-image-version 1.0.0 --file version.json`,
    ],
  ],
  async run(context) {
    const body = await requestOf(context);
    const { body: plan } = await context.client.call("planImageVersion", {
      path: versionIn(context),
      body,
    });
    const errors = plan.findings.filter(({ severity }) => severity === "error");
    const warnings = plan.findings.length - errors.length;
    context.note(
      `${errors.length} ${errors.length === 1 ? "error" : "errors"}, ${warnings} more ${warnings === 1 ? "finding" : "findings"}, ${plan.changes.length} ${plan.changes.length === 1 ? "change" : "changes"}.`,
    );
    return {
      data: plan,
      findings: plan.findings,
      ...(errors.length > 0 && { outcome: "refused" as const }),
    };
  },
};

const SHOW: Command = {
  words: "image-version show",
  summary: "Show an image version as Azure has it, whoever made it",
  options: [
    ...VERSION_PLACE,
    {
      names: ["--expand"],
      help: "Taken as az has it; the replication status is always shown.",
    },
  ],
  columns: COLUMNS,
  examples: [
    [
      "Whether it is usable in eastus2",
      `sigil image-version show ${SAMPLE} --gallery-image-version 1.0.0 --query "sigil.regions[?name=='eastus2'].state" -o tsv`,
    ],
  ],
  async run(context) {
    const { body, headers } = await context.client.call("getImageVersion", {
      path: versionIn(context),
    });
    // What --if-match takes.
    return { data: { ...toAz(body), etag: headers.get("ETag") ?? undefined } };
  },
};

const LIST: Command = {
  words: "image-version list",
  summary: "List the versions of an image definition, highest first",
  options: IMAGE_PLACE,
  columns: COLUMNS,
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

/** How often an update is made anew of a version that has changed since it was read. */
const UPDATE_ATTEMPTS = 5;

const UPDATE: Command = {
  words: "image-version update",
  summary: "Change an image version, and wait until Azure shows it",
  description: `The options are those of "az sig image-version update". Paths are az's: publishingProfile.targetRegions. Only
what differs is sent, guarded by the version's ETag; if somebody else has changed the version meanwhile,
it is read and changed again. Regions go by name: --remove publishingProfile.targetRegions eastus2.
The keys of a region that stays are kept.`,
  options: [
    ...VERSION_PLACE,
    ...TARGET_OPTIONS,
    {
      names: ["--remove-regions"],
      kind: "list",
      help: "Regions to remove the version from.",
      group: "Regions",
    },
    ...SAFETY_OPTIONS,
    {
      names: ["--set"],
      kind: "list",
      help: "path=value: publishingProfile.excludeFromLatest=true, publishingProfile.targetRegions[name=eastus2].regionalReplicaCount=3.",
      group: "Generic update",
    },
    {
      names: ["--add"],
      kind: "list",
      help: "A list's path, and what to add: publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3.",
      group: "Generic update",
    },
    {
      names: ["--remove"],
      kind: "list",
      help: "A property's path, or a list's path and the name of one of its entries. An index is refused.",
      group: "Generic update",
    },
    {
      names: ["--force-string"],
      kind: "flag",
      help: "Take the values of --set and --add as text, not as JSON.",
      group: "Generic update",
    },
    NO_PLAN,
    ...WAIT_OPTIONS,
  ],
  columns: COLUMNS,
  examples: [
    [
      "Other regions and counts",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --target-regions westcentralus=2 eastus2`,
    ],
    [
      "One region more, not the latest there",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --add publishingProfile.targetRegions name=westcentralus regionalReplicaCount=3 excludeFromLatest=true`,
    ],
    [
      "Out of latest",
      `sigil image-version update ${SAMPLE} --gallery-image-version 1.0.0 --set publishingProfile.excludeFromLatest=true`,
    ],
  ],
  async run(context) {
    const { client, note, values } = context;
    const path = versionIn(context);
    for (let attempt = 1; ; attempt += 1) {
      const { body: version, headers } = await client.call("getImageVersion", {
        path,
      });
      const { patch, removedRegions } = updateOf(version, values, path);
      if (removedRegions.length > 0)
        note(`Removes the version from ${removedRegions.join(", ")}.`);
      const etag = headers.get("ETag");
      try {
        const answer = await client.call("patchImageVersion", {
          path,
          query: {
            ...(!values.boolean("--no-plan") && { plan: "require" as const }),
            ...(removedRegions.length > 0 && {
              removeRegions: removedRegions.join(","),
            }),
          },
          header: { ...(etag !== null && { "If-Match": etag }) },
          body: patch,
        });
        if (answer.status === 202) return await ended(context, answer.body);
        note("The version is as requested already.");
        return { data: toAz(answer.body) };
      } catch (error) {
        if (
          !(error instanceof PreconditionFailedError) ||
          attempt === UPDATE_ATTEMPTS
        )
          throw error;
        note("The version has changed since it was read. It is read again.");
      }
    }
  },
};

const DELETE: Command = {
  words: "image-version delete",
  summary:
    "Delete an image version, and wait until Azure shows that it is gone",
  options: [...VERSION_PLACE, IF_MATCH, ...WAIT_OPTIONS],
  async run(context) {
    const { body } = await context.client.call("deleteImageVersion", {
      path: versionIn(context),
      header: ifMatch(context),
    });
    const operation = await follow(context, body);
    return context.values.boolean("--no-wait") ? accepted(operation) : {};
  },
};

const WAIT: Command = {
  words: "image-version wait",
  summary: "Wait until an image version meets a condition",
  description: `As "az sig image-version wait": asks every --interval seconds until one of the conditions holds. The exit code is 5
if it does not within --timeout, and 1 if the version fails meanwhile. To see how far each region is
instead: sigil image-version watch.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--created"],
      kind: "flag",
      help: "Until provisioningState is Succeeded.",
    },
    {
      names: ["--updated"],
      kind: "flag",
      help: "Until provisioningState is Succeeded.",
    },
    { names: ["--deleted"], kind: "flag", help: "Until it is gone." },
    { names: ["--exists"], kind: "flag", help: "Until it exists." },
    {
      names: ["--custom"],
      help: "Until a JMESPath expression is true: provisioningState!='Creating'.",
    },
    {
      names: ["--interval"],
      kind: "number",
      help: "Seconds between two looks. Default: 30.",
    },
    { ...TIMEOUT, help: "Seconds to wait at most. Default: 3600." },
    { names: ["--expand"], help: "Taken as az has it." },
  ],
  async run(context) {
    const { values, io } = context;
    const custom = values.text("--custom");
    const wanted = ["--created", "--updated", "--deleted", "--exists"].filter(
      (name) => values.boolean(name),
    );
    if (wanted.length === 0 && custom === undefined)
      throw new UsageError(
        "Wait for what? Give --created, --updated, --deleted, --exists or --custom.",
      );
    if (custom !== undefined) await checkQuery(custom);
    const intervalSeconds = values.number("--interval") ?? 30;
    const timeoutSeconds = values.number("--timeout") ?? 3600;
    for (let seconds = 0; ; seconds += Math.max(1, intervalSeconds)) {
      const version = await versionOrNothing(context);
      if (version === undefined) {
        if (values.boolean("--deleted")) return {};
      } else {
        const { provisioningState } = version.properties;
        if (values.boolean("--exists")) return {};
        if (values.boolean("--created") || values.boolean("--updated")) {
          if (provisioningState === "Succeeded") return {};
          if (provisioningState === "Failed")
            throw new Ended("failed", "The version has failed.");
        }
        if (
          custom !== undefined &&
          Boolean(await select(toAz(version), custom))
        )
          return {};
      }
      if (seconds + intervalSeconds > timeoutSeconds)
        throw new Ended("timedOut", `Not so within ${timeoutSeconds} s.`);
      await io.sleep(Math.max(1, intervalSeconds) * 1000, io.interrupted);
    }
  },
};

const WATCH: Command = {
  words: "image-version watch",
  summary: "Follow the last operation on an image version to its end",
  options: [...VERSION_PLACE, TIMEOUT],
  columns: COLUMNS,
  async run(context) {
    const { sigil } = await versionNow(context);
    if (sigil.operationId === undefined)
      throw new Ended(
        "refused",
        "Sigil was never asked to do anything to this version.",
      );
    await followAll(context, [sigil.operationId]);
    const version = await versionOrNothing(context);
    return version === undefined ? {} : { data: toAz(version) };
  },
};

const RETRY: Command = {
  words: "image-version retry",
  summary: "Repair the failed regions of an image version, Azure's own way",
  description: "Each is removed and added back, and then waited for.",
  options: [
    ...VERSION_PLACE,
    {
      names: ["--regions"],
      kind: "list",
      help: "Regions that failed. Default: all of them.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: COLUMNS,
  async run(context) {
    const regions = context.values.list("--regions");
    const { body } = await context.client.call("retryImageVersion", {
      path: versionIn(context),
      body: regions === undefined ? {} : { regions: [...regions] },
    });
    return ended(context, body);
  },
};

function promotion(word: "promote" | "demote", summary: string): Command {
  return {
    words: `image-version ${word}`,
    summary,
    options: [...VERSION_PLACE, IF_MATCH, ...WAIT_OPTIONS],
    columns: COLUMNS,
    async run(context) {
      const { body } = await context.client.call(`${word}ImageVersion`, {
        path: versionIn(context),
        header: ifMatch(context),
      });
      return ended(context, body);
    },
  };
}

const ROLL_BACK: Command = {
  words: "image-version roll-back",
  summary: "Make an earlier version the latest again",
  description: `Without --to it is the newest one that is ready wherever the present latest is. Prints what becomes of the
latest version in each region.`,
  options: [
    ...IMAGE_PLACE,
    { names: ["--to"], help: "The version that is to be the latest." },
    {
      names: ["--dry-run"],
      kind: "flag",
      help: "Only print what would change; do nothing.",
    },
    ...WAIT_OPTIONS,
  ],
  columns: [
    { title: "Region", of: ({ name }: Schemas["RegionalRollback"]) => name },
    {
      title: "From",
      of: ({ from }: Schemas["RegionalRollback"]) => from ?? "none",
    },
    { title: "To", of: ({ to }: Schemas["RegionalRollback"]) => to ?? "none" },
  ],
  rows: (rollback) => (rollback as Schemas["Rollback"]).regions,
  output: "table",
  examples: [
    ["See first", `sigil image-version roll-back ${SAMPLE} --dry-run`],
  ],
  async run(context) {
    const { client, values, note } = context;
    const to = values.text("--to");
    const dryRun = values.boolean("--dry-run") ?? false;
    const answer = await client.call("rollBackImage", {
      path: imageIn(context),
      body: { ...(to !== undefined && { to }), dryRun },
    });
    const operation =
      answer.status === 202 ? await follow(context, answer.body) : undefined;
    const rollback = answer.status === 200 ? answer.body : operation?.rollback;
    for (const { message } of rollback?.warnings ?? [])
      note(`warning: ${message}`);
    if (rollback !== undefined)
      note(
        `${dryRun ? "Would go" : "Goes"} from ${rollback.from} to ${rollback.to}.`,
      );
    return operation !== undefined && values.boolean("--no-wait")
      ? accepted(operation)
      : { data: rollback };
  },
};

export const IMAGE_VERSION_COMMANDS: readonly Command[] = [
  CREATE,
  PLAN,
  SHOW,
  LIST,
  UPDATE,
  DELETE,
  WAIT,
  WATCH,
  promotion("promote", "Include an image version in latest"),
  promotion("demote", "Exclude an image version from latest"),
  ROLL_BACK,
  RETRY,
];

/** The body that the options or a file say. */
async function requestOf(context: Context): Promise<Body> {
  const { values, io } = context;
  const name = values.text("--file");
  const when = values.text("--promote-when") as "manual" | undefined;
  const sigil = when === undefined ? {} : { sigil: { promotion: { when } } };
  if (name === undefined)
    return { ...bodyOf(values, imageIn(context)), ...sigil };
  const both = BODY_OPTIONS.map(({ names }) => names[0] ?? "").filter(
    // A default location says nothing of the file's.
    (each) => each !== "--location" && values.has(each),
  );
  if (both.length > 0)
    throw new UsageError(
      `--file has the whole body: leave ${both.join(", ")} out, or write it there.`,
    );
  const file = await readBodyFile(name, io);
  context.useFile(file);
  return { ...file.body, ...sigil } as unknown as Body;
}

/** What an operation on a version has led to. */
async function ended(context: Context, begun: Operation): Promise<Result> {
  const operation = await follow(context, begun);
  if (context.values.boolean("--no-wait")) return accepted(operation);
  const path = imageVersionPath(operation.resourceId);
  if (path === undefined) return { data: operation };
  const { body } = await context.client.call("getImageVersion", { path });
  return { data: toAz(body) };
}

async function versionNow(context: Context): Promise<ImageVersion> {
  const { body } = await context.client.call("getImageVersion", {
    path: versionIn(context),
  });
  return body;
}

async function versionOrNothing(
  context: Context,
): Promise<ImageVersion | undefined> {
  try {
    return await versionNow(context);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}

function ifMatch({ values }: Context): { "If-Match"?: string } {
  const etag = values.text("--if-match");
  return etag === undefined ? {} : { "If-Match": etag };
}
