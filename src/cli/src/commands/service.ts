/** Galleries, image definitions, retention, subscriptions, disk encryption sets, rejected requests. */
import { entries, parseResourceId, type Schemas } from "@sigil/client";
import { readBodyFile } from "../body-file.js";
import type { Command } from "../command.js";
import { UsageError } from "../exit-codes.js";
import { follow, WAIT_OPTIONS } from "../following.js";
import type { Column } from "../output.js";
import { GALLERY_PLACE, galleryIn, IMAGE_PLACE, imageIn } from "./places.js";

type Decision = Schemas["RetentionDecision"] & { readonly does: string };

const DECISIONS = {
  columns: [
    { title: "Version", of: ({ name }: Decision) => name },
    { title: "Decision", of: ({ does }: Decision) => does },
    { title: "Code", of: ({ code }: Decision) => code },
    { title: "Reason", of: ({ reason }: Decision) => reason },
  ] as readonly Column[],
  rows: (data: unknown) => {
    const { deletions, kept, policy } = data as Schemas["Retention"];
    const does = policy.mode === "delete" ? "delete" : "would delete";
    return [
      ...deletions.map((each) => ({ ...each, does })),
      ...kept.map((each) => ({ ...each, does: "keep" })),
    ];
  },
};

export const RETENTION_COMMANDS: readonly Command[] = [
  {
    words: "retention show",
    summary: "Show what the retention policy of an image definition deletes and keeps",
    options: IMAGE_PLACE,
    ...DECISIONS,
    async run(context) {
      const { body } = await context.client.call("getRetentionPolicy", {
        path: imageIn(context),
      });
      return { data: body };
    },
  },
  {
    words: "retention set",
    summary: "Set the retention policy of an image definition",
    description: `Starts as a dry run. Read what it would delete, then set the same rules with --mode delete. Requires the role
ImageVersions.Admin.`,
    options: [
      ...IMAGE_PLACE,
      {
        names: ["--keep-newest-promoted"],
        kind: "number",
        help: "Number of the newest promoted versions to keep.",
      },
      {
        names: ["--delete-after-end-of-life-days"],
        kind: "number",
        help: "Number of days from the end of life of a version to its deletion.",
      },
      {
        names: ["--mode"],
        choices: ["dryRun", "delete"],
        help: "Only show what would be deleted (dryRun), or delete it. Default: dryRun.",
      },
    ],
    ...DECISIONS,
    async run(context) {
      const { client, values } = context;
      const keepNewestPromoted = values.number("--keep-newest-promoted");
      const deleteAfterEndOfLifeDays = values.number("--delete-after-end-of-life-days");
      if (keepNewestPromoted === undefined && deleteAfterEndOfLifeDays === undefined)
        throw new UsageError(
          "Which rules? Give --keep-newest-promoted, --delete-after-end-of-life-days, or both.",
        );
      const { body } = await client.call("putRetentionPolicy", {
        path: imageIn(context),
        body: {
          mode: (values.text("--mode") ?? "dryRun") as "dryRun",
          ...(keepNewestPromoted !== undefined && { keepNewestPromoted }),
          ...(deleteAfterEndOfLifeDays !== undefined && {
            deleteAfterEndOfLifeDays,
          }),
        },
      });
      return { data: body };
    },
  },
  {
    words: "retention delete",
    summary: "Delete the retention policy of an image definition",
    options: IMAGE_PLACE,
    async run(context) {
      const { body } = await context.client.call("deleteRetentionPolicy", {
        path: imageIn(context),
      });
      return { data: body };
    },
  },
];

type Registration = Schemas["Registration"];
const REGISTRATIONS: readonly Column[] = [
  { title: "Name", of: ({ name }: Registration) => name },
  { title: "State", of: ({ state }: Registration) => state },
];

export const SUBSCRIPTION_COMMANDS: readonly Command[] = [
  {
    words: "subscription prepare",
    summary: "Register what image versions need in a subscription, and wait until it is registered",
    options: WAIT_OPTIONS,
    columns: REGISTRATIONS,
    rows: (operation) => (operation as Schemas["Operation"]).registrations ?? [],
    async run(context) {
      const { body } = await context.client.call("prepareSubscription", {
        path: { subscriptionId: context.subscriptionId() },
      });
      return { data: await follow(context, body) };
    },
  },
  {
    words: "subscription show",
    summary: "Show whether image versions can be created in a subscription",
    options: [],
    columns: REGISTRATIONS,
    rows: (preparation) => (preparation as Schemas["SubscriptionPreparation"]).registrations,
    async run({ client, subscriptionId }) {
      const { body } = await client.call("getSubscriptionPreparation", {
        path: { subscriptionId: subscriptionId() },
      });
      return { data: body };
    },
  },
];

type Gallery = Schemas["Gallery"];

/** A user who types a command waits for a current answer from Azure. */
const ANEW = { "Cache-Control": "no-cache" } as const;

export const GALLERY_COMMANDS: readonly Command[] = [
  {
    words: "gallery list",
    summary: "List the galleries that Sigil sees",
    options: [],
    columns: [
      { title: "Location", of: ({ region }: Gallery) => region },
      { title: "Name", of: ({ name }: Gallery) => name },
      { title: "ResourceGroup", of: ({ id }: Gallery) => parseResourceId(id)?.resourceGroupName },
      { title: "Subscription", of: ({ id }: Gallery) => parseResourceId(id)?.subscriptionId },
    ],
    async run({ client }) {
      const data = [];
      for await (const each of entries(client, "listGalleries", {
        query: { top: 100 },
        header: ANEW,
      }))
        data.push(each);
      return { data };
    },
  },
];

type ImageDefinition = Schemas["ImageDefinition"];

export const IMAGE_DEFINITION_COMMANDS: readonly Command[] = [
  {
    words: "image-definition list",
    summary: "List the image definitions of a gallery",
    options: GALLERY_PLACE,
    columns: [
      { title: "Name", of: ({ name }: ImageDefinition) => name },
      { title: "OsType", of: ({ osType }: ImageDefinition) => osType },
      { title: "OsState", of: ({ osState }: ImageDefinition) => osState },
      {
        title: "Generation",
        of: ({ hyperVGeneration }: ImageDefinition) => hyperVGeneration,
      },
      {
        title: "Architecture",
        of: ({ architecture }: ImageDefinition) => architecture,
      },
      {
        title: "SecurityType",
        of: ({ securityType }: ImageDefinition) => securityType,
      },
      {
        title: "EndOfLife",
        of: ({ endOfLifeDate }: ImageDefinition) => endOfLifeDate,
      },
    ],
    async run(context) {
      const data = [];
      for await (const each of entries(context.client, "listImages", {
        path: galleryIn(context),
        query: { top: 100 },
        header: ANEW,
      }))
        data.push(each);
      return { data };
    },
  },
];

type EncryptionSet = Schemas["DiskEncryptionSet"];

export const ENCRYPTION_SET_COMMANDS: readonly Command[] = [
  {
    words: "encryption-set list",
    summary: "List the disk encryption sets that a version may use",
    options: [{ names: ["--location", "-l"], help: "Only show sets in this region." }],
    columns: [
      { title: "Name", of: ({ id }: EncryptionSet) => id.split("/").at(-1) },
      { title: "Region", of: ({ region }: EncryptionSet) => region },
      {
        title: "Type",
        of: ({ encryptionType }: EncryptionSet) => encryptionType,
      },
      {
        title: "State",
        of: ({ provisioningState }: EncryptionSet) => provisioningState,
      },
      {
        title: "Rotates",
        of: (set: EncryptionSet) => (set.rotationToLatestKeyVersionEnabled ? "yes" : "no"),
      },
    ],
    async run({ client, values, subscriptionId }) {
      const region = values.text("--location");
      const data = [];
      for await (const set of entries(client, "listDiskEncryptionSets", {
        path: { subscriptionId: subscriptionId() },
        query: region === undefined ? {} : { region },
      }))
        data.push(set);
      return { data };
    },
  },
];

type RejectedRequest = Schemas["RejectedRequest"];

export const REJECTED_COMMANDS: readonly Command[] = [
  {
    words: "rejected list",
    summary: "List rejected requests from Service Bus",
    description: `Lists the oldest first, and removes none. Requires the role ImageVersions.Admin.`,
    options: [
      {
        names: ["--top"],
        kind: "number",
        help: "Maximum number of requests. Default: 100.",
      },
    ],
    columns: [
      { title: "Id", of: ({ id }: RejectedRequest) => id },
      {
        title: "Rejected",
        of: ({ enqueuedTime }: RejectedRequest) => enqueuedTime,
      },
      {
        title: "Source",
        of: ({ request }: RejectedRequest) => request?.source,
      },
      { title: "Request", of: ({ request }: RejectedRequest) => request?.id },
      {
        title: "Code",
        of: ({ rejectionCode }: RejectedRequest) => rejectionCode,
      },
      {
        title: "Reason",
        of: ({ rejectionReason }: RejectedRequest) => rejectionReason,
      },
    ],
    async run({ client, values }) {
      const data = [];
      const top = values.number("--top") ?? 100;
      for await (const each of entries(client, "listRejectedRequests", {})) {
        if (data.length >= top) break;
        data.push(each);
      }
      return { data };
    },
  },
  {
    words: "rejected send-again",
    summary: "Send a rejected request again, in your name",
    description: `Requires permission to write to the gallery, and the role ImageVersions.Admin. If Sigil refuses it again, it stays in the
list. To correct the request, use --file and --resource-id: the command plans it first.`,
    options: [
      {
        names: ["--id"],
        required: true,
        help: "ID of the request, as listed.",
      },
      {
        names: ["--file", "-f"],
        help: "JSON file with the corrected body of the version. Use - for standard input.",
      },
      {
        names: ["--resource-id"],
        help: "Resource ID of the version in the corrected request.",
      },
    ],
    examples: [
      ["Send a request again", "sigil rejected send-again --id 42"],
      [
        "Send a corrected request",
        "sigil rejected send-again --id 42 --file version.json --resource-id /subscriptions/…/versions/1.0.0",
      ],
    ],
    async run({ client, values, io, usePlaces }) {
      const name = values.text("--file");
      const resourceId = values.text("--resource-id");
      if ((name === undefined) !== (resourceId === undefined))
        throw new UsageError("A corrected request takes both --file and --resource-id.");
      const file = name === undefined ? undefined : await readBodyFile(name, io);
      if (file) usePlaces((pointer) => file.placeOf(pointer.replace(/^\/body/u, "")));
      const { body } = await client.call("sendRejectedRequestAgain", {
        path: { rejectedRequestId: values.text("--id") ?? "" },
        ...(file &&
          resourceId !== undefined && {
            body: { resourceId, body: { ...file.body } },
          }),
      });
      return { data: body };
    },
  },
];
