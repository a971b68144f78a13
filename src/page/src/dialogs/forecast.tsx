import { useState } from "preact/hooks";
import type { Schemas } from "@sigil/client";
import { Findings, Problem } from "../components/problem.js";
import { NoLatestTick, Tick } from "../components/tick.js";
import { read } from "../components/loaded.js";
import { useClient, useMay } from "../context.js";
import { useLive, type Live } from "../live.js";
import { NO_LATEST } from "../no-latest.js";
import { BUSY_MS } from "../retry.js";
import { imageKey, type ImageName } from "../routes.js";
import { LatestTable } from "./latest-table.js";

export type Forecast = Schemas["Forecast"];

/** What an Admin may say of a version that somebody uses, or of which nobody knows. */
const USE_CODES = ["ImageVersionInUse", "UseUnknown"];
/** Azure deletes it for good, or not at all. */
export const NOT_SOFT_DELETABLE = "FailedNotSoftDeletable";
/** The table, and the deletion's own words, say these. */
const SAID = ["LatestChanges", "DeletionIsFinal", "OneReplicaKept"];

/** What the service foretells, and what a person has allowed of it. */
interface Foretold {
  readonly live: Live<Forecast>;
  readonly noLatest: boolean;
  readonly ignoreUse: boolean;
  readonly forGood: boolean;
  readonly allowNoLatest: (allowed: boolean) => void;
  readonly allowUse: (allowed: boolean) => void;
  readonly allowForGood: (allowed: boolean) => void;
  /** False where it is not known what would happen, or it would be refused. */
  readonly isAllowed: boolean;
}

/** Read again and again: others change versions while one reads the dialog. */
export function useForecast(image: ImageName, versionName: string, of: Forecast["of"]): Foretold {
  const client = useClient();
  const [noLatest, allowNoLatest] = useState(false);
  const [ignoreUse, allowUse] = useState(false);
  const [forGood, allowForGood] = useState(false);
  const live = useLive<Forecast>(
    `forecast ${of} ${imageKey(image)} ${versionName}`,
    (_, signal) =>
      read(client, "getForecast", { path: { ...image, versionName }, query: { of }, signal }),
    () => BUSY_MS,
    false,
  );
  const isAllowed =
    live.value !== undefined &&
    live.error === undefined &&
    errorsIn(live.value).every(
      ({ code }) =>
        (noLatest && code === NO_LATEST) ||
        (ignoreUse && USE_CODES.includes(code)) ||
        (forGood && code === NOT_SOFT_DELETABLE),
    );
  return {
    live,
    noLatest,
    ignoreUse,
    forGood,
    allowNoLatest,
    allowUse,
    allowForGood,
    isAllowed,
  };
}

export function errorsIn({ findings }: Forecast): Forecast["findings"] {
  return findings.filter(({ severity = "error" }) => severity === "error");
}

/** Each region's latest before and after, the findings, and the confirmations needed. */
export function ForecastDetails({ foretold }: { readonly foretold: Foretold }) {
  const { live, noLatest, ignoreUse, forGood } = foretold;
  const isAdmin = useMay("Admin");
  const { value, error } = live;
  if (error !== undefined) return <Problem error={error} />;
  if (value === undefined) return <p role="status">Checking what would change…</p>;
  const codes = errorsIn(value).map(({ code }) => code);
  return (
    <>
      <LatestTable regions={value.regions} />
      <Findings findings={value.findings.filter(({ code }) => !SAID.includes(code))} />
      {codes.includes(NO_LATEST) && (
        <NoLatestTick allowed={noLatest} onAllow={foretold.allowNoLatest} />
      )}
      {isAdmin && codes.some((code) => USE_CODES.includes(code)) && (
        <Tick
          checked={ignoreUse}
          onChange={foretold.allowUse}
          label="Delete it even if it is, or may be, in use"
        />
      )}
      {isAdmin && codes.includes(NOT_SOFT_DELETABLE) && (
        <Tick checked={forGood} onChange={foretold.allowForGood} label="Delete it for good" />
      )}
    </>
  );
}
