import type { Command } from "../command.js";
import { VERSION_PLACE, versionIn } from "./places.js";
import { RESULTS } from "./testing.js";
import { SAMPLE } from "./versions.js";

export const APPROVE: Command = {
  words: "image-version approve",
  summary: "Approve an image version, so that it passes its gate",
  description: `Opens the gate of the image definition for this version, whatever its tests have found so far. Sigil keeps the reason with
the test results. Promotes nothing. Requires the role ImageVersions.Approve.`,
  options: [
    ...VERSION_PLACE,
    { names: ["--reason"], required: true, help: "Reason for the approval. Sigil keeps it." },
    {
      names: ["--regions"],
      kind: "list",
      help: "Regions of the version. Default: all of them.",
    },
  ],
  columns: RESULTS,
  examples: [
    [
      "A hotfix in one region",
      `sigil image-version approve ${SAMPLE} --gallery-image-version 1.0.2 --reason CVE-2026-1234 --regions westus`,
    ],
  ],
  async run(context) {
    const { client, values } = context;
    const regions = values.list("--regions");
    const { body } = await client.call("approveImageVersion", {
      path: versionIn(context),
      body: {
        reason: values.required("--reason"),
        ...(regions && { regions: [...regions] }),
      },
    });
    return { data: body.value };
  },
};
