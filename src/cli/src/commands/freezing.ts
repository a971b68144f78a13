import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { UsageError } from "../exit-codes.js";
import type { Values } from "../options.js";
import type { Column } from "../output.js";

type Freeze = Schemas["Freeze"];

const NAME = {
  names: ["--name", "-n"],
  required: true,
  help: "Name of the freeze.",
} as const;

const COLUMNS: readonly Column[] = [
  { title: "Name", of: ({ name }: Freeze) => name },
  {
    title: "Images",
    of: ({ images }: Freeze) =>
      images.map(({ galleryName = "*", imageName = "*" }) => `${galleryName}/${imageName}`),
  },
  { title: "Regions", of: ({ regions = ["all"] }: Freeze) => regions },
  { title: "From", of: ({ from }: Freeze) => from.slice(0, 16) },
  { title: "Until", of: ({ until }: Freeze) => until.slice(0, 16) },
  { title: "Reason", of: ({ reason }: Freeze) => reason },
];

export const FREEZE_COMMANDS: readonly Command[] = [
  {
    words: "freeze create",
    summary: "Freeze latest: until a time, no version comes into it",
    description: `Promotions are refused, rules wait, and new versions are created and held back. Demotions, rollbacks, revocations and
deletions go on. An approval that is given during the freeze opens it for one version: sigil image-version approve. Replaces a freeze of
the same name. In names of galleries and image definitions, * stands for any characters. Requires the role ImageVersions.Admin.`,
    options: [
      NAME,
      {
        names: ["--gallery"],
        required: true,
        help: "Name of the gallery. Default: SIGIL_GALLERY, or the value of sigil configure; '*' for all.",
      },
      {
        names: ["--image"],
        help: "Name of the image definition. Default: SIGIL_IMAGE, or the value of sigil configure; '*' for all.",
      },
      { names: ["--subscription-id"], help: "ID of the subscription. Default: all." },
      { names: ["--regions"], kind: "list", help: "Regions. Default: all." },
      { names: ["--from"], help: "When it begins, such as 2026-11-28T08:00Z. Default: now." },
      {
        names: ["--until"],
        required: true,
        help: "When it ends, such as 2026-12-03T08:00Z, at most 92 days after it begins.",
      },
      { names: ["--reason"], required: true, help: "Reason, for those who have to wait." },
    ],
    columns: COLUMNS,
    examples: [
      [
        "One gallery until a morning",
        `sigil freeze create -n quarter-close --gallery gal_prod --until 2026-12-03T08:00Z --reason CHG0042`,
      ],
    ],
    async run({ client, values }) {
      const imageName = values.text("--image");
      const regions = values.list("--regions");
      const from = timeOf(values, "--from");
      const { body } = await client.call("putFreeze", {
        path: { freezeName: values.required("--name") },
        body: {
          images: [
            {
              subscriptionId: values.text("--subscription-id") ?? "*",
              galleryName: values.required("--gallery"),
              ...(imageName !== undefined && { imageName }),
            },
          ],
          ...(regions && { regions: [...regions] }),
          ...(from !== undefined && { from }),
          until: timeOf(values, "--until") ?? "",
          reason: values.required("--reason"),
        },
      });
      return { data: body };
    },
  },
  {
    words: "freeze list",
    summary: "List the freezes that have not ended",
    options: [],
    columns: COLUMNS,
    none: "Nothing is frozen.",
    async run({ client }) {
      const { body } = await client.call("listFreezes", {});
      return { data: body.value };
    },
  },
  {
    words: "freeze delete",
    summary: "End a freeze",
    description: "Rules go on by themselves. Requires the role ImageVersions.Admin.",
    options: [NAME],
    columns: COLUMNS,
    async run({ client, values }) {
      const { body } = await client.call("deleteFreeze", {
        path: { freezeName: values.required("--name") },
      });
      return { data: body };
    },
  },
];

/** With its seconds, which RFC 3339 demands and people leave out. */
function timeOf(values: Values, name: string): string | undefined {
  const text = values.text(name);
  if (text === undefined) return undefined;
  // Without a zone it would be this machine's time.
  const ms = /T.*(?:Z|[+-]\d\d:\d\d)$/iu.test(text) ? Date.parse(text) : NaN;
  if (Number.isNaN(ms))
    throw new UsageError(`${name} must be a time with a zone, such as 2026-12-03T08:00Z.`);
  return new Date(ms).toISOString();
}
