import type { Schemas } from "@sigil/client";
import type { Command, Context } from "../command.js";
import { WAIT_OPTIONS } from "../following.js";
import { DRY_RUN } from "./forecast.js";
import { takingMany } from "./many.js";
import { ALLOW_NO_LATEST, allowNoLatest } from "./no-latest.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { ended, SAMPLE, VERSION_COLUMNS } from "./versions.js";

type Plan = Schemas["RevocationPlan"];
type Change = Schemas["LatestChange"];

const REVOKE_ONE: Command = {
  words: "image-version revoke",
  summary: "Revoke a bad image version: keep it out of latest for good",
  description: `Excludes the version from latest in every region, and refuses to include it again. In a region without another version
to be the latest, it stays in latest until there is one, and the command waits. Deletes nothing. An admin can lift the revocation:
sigil image-version unrevoke.`,
  options: [
    ...VERSION_PLACE,
    {
      names: ["--reason"],
      required: true,
      help: "Reason. Everyone with access to the version can read it.",
    },
    {
      names: ["--replacement"],
      help: "Number of the version to use instead.",
    },
    {
      names: ["--hold-descendants"],
      kind: "boolean",
      help: "Admins: true keeps versions that were built from it out of latest, too. false ends that.",
    },
    ALLOW_NO_LATEST,
    DRY_RUN,
    ...WAIT_OPTIONS,
  ],
  columns: VERSION_COLUMNS,
  examples: [
    [
      "See what would change",
      `sigil image-version revoke ${SAMPLE} --gallery-image-version 1.0.2 --reason CVE-2026-1234 --replacement 1.0.3 --dry-run`,
    ],
  ],
  async run(context) {
    const { client, values, note } = context;
    const { body } = await client.call("revokeImageVersion", {
      path: versionIn(context),
      query: allowNoLatest(context),
      body: {
        ...revocationIn(context),
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

function revocationIn({ values }: Context) {
  const replacement = values.text("--replacement");
  const holdDescendants = values.boolean("--hold-descendants");
  return {
    reason: values.required("--reason"),
    ...(replacement !== undefined && { replacement }),
    ...(holdDescendants !== undefined && { holdDescendants }),
  };
}

export const REVOKE = takingMany(REVOKE_ONE, {
  command: "revokeImageVersion",
  asked: (context) => ({ body: revocationIn(context), query: allowNoLatest(context) }),
});

export const UNREVOKE: Command = {
  words: "image-version unrevoke",
  summary: "Lift the revocation of an image version",
  description: `Allows promoting the version again, and includes it in latest nowhere. Requires the role ImageVersions.Admin.`,
  options: [...VERSION_PLACE, ...WAIT_OPTIONS],
  columns: VERSION_COLUMNS,
  async run(context) {
    const { body } = await context.client.call("unrevokeImageVersion", {
      path: versionIn(context),
    });
    return ended(context, body);
  },
};
