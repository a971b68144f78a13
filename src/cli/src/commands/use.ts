import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { SAMPLE } from "./versions.js";

type Row = Schemas["ImageUsers"] & { readonly kind: string };

export const USE: Command = {
  words: "image-version use",
  summary: "Show who uses an image version",
  description: `Shows scale sets and machines that use the version, by number or as the latest, in the subscription of the gallery and the
other subscriptions that Sigil is set to query. The data comes from Azure Resource Graph, and can be some minutes old.`,
  options: VERSION_PLACE,
  columns: [
    { title: "Kind", of: ({ kind }: Row) => kind },
    { title: "Count", of: ({ count }: Row) => count },
    {
      title: "Regions",
      of: ({ regions }: Row) => regions.map(({ name, count }) => `${name} ${count}`).join(", "),
    },
    {
      title: "First",
      of: ({ first }: Row) => first.map(({ id }) => id.split("/").at(-1)).join(", "),
    },
  ],
  rows: (data) => {
    const { scaleSets, ephemeralMachines, machines } = data as Schemas["ImageUse"];
    return [
      { kind: "scale sets", ...scaleSets },
      { kind: "machines with an ephemeral OS disk", ...ephemeralMachines },
      { kind: "other machines", ...machines },
    ];
  },
  examples: [
    [
      "Whether the version is in use",
      `sigil image-version use ${SAMPLE} --gallery-image-version 1.0.0 --query needed -o tsv`,
    ],
  ],
  async run(context) {
    const { body } = await context.client.call("getImageUse", {
      path: versionIn(context),
    });
    for (const { subscriptionId, message } of body.notSeen)
      context.note(`Not seen in ${subscriptionId}: ${message}`);
    for (const { message } of body.warnings) context.note(message);
    return { data: body };
  },
};
