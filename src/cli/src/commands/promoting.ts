import type { Schemas } from "@sigil/client";
import type { Command } from "../command.js";
import { UsageError } from "../exit-codes.js";
import { follow, WAIT_OPTIONS } from "../following.js";
import { DRY_RUN, forecastOf, forecastResult } from "./forecast.js";
import { takingMany } from "./many.js";
import { ALLOW_NO_LATEST, allowNoLatest } from "./no-latest.js";
import { accepted } from "./operation-columns.js";
import type { Option } from "../options.js";
import { IF_MATCH, IMAGE_PLACE, imageIn, VERSION_PLACE, versionIn } from "./places.js";
import { ended, ifMatch, SAMPLE, VERSION_COLUMNS } from "./versions.js";

export const PROMOTE = takingMany(
  promotion("promote", "Include an image version in latest", [
    {
      names: ["--regions"],
      kind: "list",
      help: "Regions to promote the version in. Default: all, or the next wave of its promotion rule. Naming regions ends the rule.",
    },
  ]),
  {
    command: "promoteImageVersion",
    asked: ({ values }) => {
      const regions = values.list("--regions");
      return regions === undefined ? {} : { body: { regions } };
    },
  },
);
export const DEMOTE = takingMany(promotion("demote", "Exclude an image version from latest"), {
  command: "demoteImageVersion",
  asked: (context) => ({ query: allowNoLatest(context) }),
});

function promotion(
  word: "promote" | "demote",
  summary: string,
  options: readonly Option[] = [],
): Command {
  return {
    words: `image-version ${word}`,
    summary,
    options: [
      ...VERSION_PLACE,
      ...options,
      IF_MATCH,
      ...(word === "demote" ? [ALLOW_NO_LATEST] : []),
      DRY_RUN,
      ...WAIT_OPTIONS,
    ],
    columns: VERSION_COLUMNS,
    async run(context) {
      const request = { path: versionIn(context), header: ifMatch(context) };
      const regions = word === "promote" ? context.values.list("--regions") : undefined;
      if (context.values.boolean("--dry-run")) {
        if (regions !== undefined)
          throw new UsageError(
            "--dry-run is of a promotion without --regions: leave one of the two out.",
          );
        return forecastResult(await forecastOf(context, word));
      }
      const { body } =
        word === "promote"
          ? await context.client.call("promoteImageVersion", {
              ...request,
              ...(regions && { body: { regions: [...regions] } }),
            })
          : await context.client.call("demoteImageVersion", {
              ...request,
              query: allowNoLatest(context),
            });
      return ended(context, body);
    },
  };
}

export const ROLL_BACK = takingMany(
  {
    words: "image-version roll-back",
    summary: "Make an earlier version the latest again",
    description: `Without --to, uses the newest earlier version that is ready in every region of the current latest version. Prints the
latest version of each region, before and after.`,
    options: [
      ...IMAGE_PLACE,
      { names: ["--to"], help: "Version to make the latest." },
      DRY_RUN,
      ALLOW_NO_LATEST,
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
    examples: [["See what would change", `sigil image-version roll-back ${SAMPLE} --dry-run`]],
    async run(context) {
      const { client, values, note } = context;
      const to = values.text("--to");
      const dryRun = values.boolean("--dry-run") ?? false;
      const input = {
        path: imageIn(context),
        query: allowNoLatest(context),
        body: { ...(to !== undefined && { to }) },
      };
      const operation = dryRun
        ? undefined
        : await follow(context, (await client.call("rollBackImage", input)).body);
      const rollback = dryRun
        ? (await client.call("planRollback", input)).body
        : operation?.rollback;
      for (const { message } of rollback?.warnings ?? []) note(`warning: ${message}`);
      if (rollback !== undefined)
        note(`${dryRun ? "Would go" : "Goes"} from ${rollback.from} to ${rollback.to}.`);
      return operation !== undefined && values.boolean("--no-wait")
        ? accepted(operation)
        : { data: rollback };
    },
  },
  {
    command: "rollBackImage",
    asked: (context) => {
      const to = context.values.text("--to");
      return { body: to === undefined ? {} : { to }, query: allowNoLatest(context) };
    },
  },
);
