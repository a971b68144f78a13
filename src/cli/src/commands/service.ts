/** Galleries, image definitions, retention, subscriptions, disk encryption sets, rejected requests. */
import { entries, type Schemas } from "@sigil/client";
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
    summary: "Show what an image definition's retention policy deletes and keeps",
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
    summary: "Set an image definition's retention policy",
    description: `Begins as a dry run: read what it would delete, then give the same rules with --mode delete. It takes the
role ImageVersions.Admin.`,
    options: [
      ...IMAGE_PLACE,
      {
        names: ["--keep-newest-promoted"],
        kind: "number",
        help: "How many of the newest promoted versions are kept.",
      },
      {
        names: ["--delete-after-end-of-life-days"],
        kind: "number",
        help: "How many days after its end of life a version is deleted.",
      },
      {
        names: ["--mode"],
        choices: ["dryRun", "delete"],
        help: "Default: dryRun.",
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
    summary: "Remove an image definition's retention policy",
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
    summary: "Register what image versions need in a subscription, and wait for it",
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
    summary: "Show whether image versions can be made in a subscription",
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

/** Whoever types a command waits for what Azure shows now. */
const ANEW = { "Cache-Control": "no-cache" } as const;

export const GALLERY_COMMANDS: readonly Command[] = [
  {
    words: "gallery list",
    summary: "List the galleries that Sigil sees",
    options: [],
    columns: [
      { title: "Location", of: ({ region }: Gallery) => region },
      { title: "Name", of: ({ name }: Gallery) => name },
      { title: "ResourceGroup", of: ({ id }: Gallery) => id.split("/")[4] },
      { title: "Subscription", of: ({ id }: Gallery) => id.split("/")[2] },
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
    options: [{ names: ["--location", "-l"], help: "Only those of this region." }],
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
    summary: "List the requests by Service Bus that were rejected",
    description: `Oldest first; it takes none of them. It takes the role ImageVersions.Admin.`,
    options: [
      {
        names: ["--top"],
        kind: "number",
        help: "How many at most. Default: 100.",
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
    summary: "Send a rejected request again, as your own",
    description: `You have to be let write to its gallery. Refused again, it stays where it is. It takes the role
ImageVersions.Admin. With --file and --resource-id it is sent corrected, planned first.`,
    options: [
      {
        names: ["--id"],
        required: true,
        help: "The id that the list shows.",
      },
      {
        names: ["--file", "-f"],
        help: "A JSON file with the corrected body of the version; - is standard input.",
      },
      {
        names: ["--resource-id"],
        help: "Resource id of the version that the corrected request is for.",
      },
    ],
    examples: [
      ["One of the list", "sigil rejected send-again --id 42"],
      [
        "Corrected",
        "sigil rejected send-again --id 42 --file version.json --resource-id /subscriptions/…/versions/1.0.0",
      ],
    ],
    async run({ client, values, io, useFile }) {
      const name = values.text("--file");
      const resourceId = values.text("--resource-id");
      if ((name === undefined) !== (resourceId === undefined))
        throw new UsageError("A corrected request takes both --file and --resource-id.");
      const file = name === undefined ? undefined : await readBodyFile(name, io);
      if (file)
        useFile({
          ...file,
          lineOf: (pointer) => file.lineOf(pointer.replace(/^\/body/u, "")),
        });
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
