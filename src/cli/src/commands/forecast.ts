/** Shows what a promotion, demotion or deletion would do. */
import type { Schemas } from "@sigil/client";
import type { Context, Result } from "../command.js";
import type { Option } from "../options.js";
import { versionIn } from "./places.js";

type Forecast = Schemas["Forecast"];
type Change = Schemas["LatestChange"];

export const DRY_RUN: Option = {
  names: ["--dry-run"],
  kind: "flag",
  help: "Only print what would change. Change nothing.",
};

export async function forecastOf(context: Context, of: Forecast["of"]): Promise<Forecast> {
  const { client, note } = context;
  const { body } = await client.call("getForecast", {
    path: versionIn(context),
    query: { of },
  });
  if (body.wave !== undefined) note(`Wave ${body.wave} of its rule.`);
  for (const { severity = "error", code, message } of body.findings)
    if (code !== "LatestChanges") note(`${severity}: ${message}`);
  return body;
}

/** Formatted like the dry run of a rollback. */
export function forecastResult(forecast: Forecast): Result {
  return {
    data: forecast,
    columns: [
      { title: "Region", of: ({ region }: Change) => region },
      { title: "From", of: ({ from }: Change) => from ?? "none" },
      { title: "To", of: ({ to }: Change) => to ?? "none" },
    ],
    rows: (data) => (data as Forecast).regions,
  };
}
