import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { WAIT_OPTIONS } from "../following.js";
import { DRY_RUN } from "./forecast.js";
import { ALLOW_NO_LATEST, allowNoLatest } from "./no-latest.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { ended, SAMPLE, VERSION_COLUMNS } from "./versions.js";

type Plan = Schemas["RevocationPlan"];
type Change = Schemas["LatestChange"];

export const REVOKE: Command = {
  words: "image-version revoke",
  summary: "Take a bad image version back",
  description: `Nothing brings it into latest from then on, and it leaves latest in every region; where no other version would be the
latest it stays until one is, and the command waits for that. Nothing is deleted. The image-version unrevoke of an Admin lifts it.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--reason"],
      required: true,
      help: "Why. Everybody who may read the version sees it.",
    },
    {
      names: ["--replacement"],
      help: "Number of the version to use instead.",
    },
    ALLOW_NO_LATEST,
    DRY_RUN,
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  examples: [
    [
      "See first",
      `sigil image-version revoke ${SAMPLE} --gallery-image-version 1.0.2 --reason CVE-2026-1234 --replacement 1.0.3 --dry-run`,
    ],
  ],
  async run(context) {
    const { client, values, note } = context;
    const replacement = values.text("--replacement");
    const { body } = await client.call("revokeImageVersion", {
      path: versionIn(context),
      query: allowNoLatest(context),
      body: {
        reason: values.required("--reason"),
        ...(replacement !== undefined && { replacement }),
        ...(values.boolean("--dry-run") === true && { dryRun: true }),
      },
    });
    if ("status" in body) return ended(context, body);
    for (const { severity = "warning", message } of body.findings) note(`${severity}: ${message}`);
    return {
      data: body,
      columns: [
        { title: "Region", of: ({ region }: Change) => region },
        { title: "From", of: ({ from }: Change) => from ?? "none" },
        { title: "To", of: ({ to }: Change) => to ?? "none" },
      ],
      rows: (data) => (data as Plan).regions,
    };
  },
};

export const UNREVOKE: Command = {
  words: "image-version unrevoke",
  summary: "Lift the revocation of an image version",
  description: `It may be promoted again, and is given back to latest nowhere. An Admin may do it.`,
  options: [...VERSION_PLACE, ...WAIT_OPTIONS],
  columns: VERSION_COLUMNS,
  async run(context) {
    const { body } = await context.client.call("unrevokeImageVersion", {
      path: versionIn(context),
    });
    return ended(context, body);
  },
};
