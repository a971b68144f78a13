/**
 * Forecasts a promotion, demotion or deletion: it runs that command's decision, and stores nothing.
 */
import { findingsInAnswer, ServiceError, type ErrorCode, type Finding } from "../../errors.js";
import { contextOf } from "../../operation/steps.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ForecastView } from "../contract.js";
import type { Dependencies } from "../ports.js";
import {
  heldFindings,
  isChanged,
  latestFindings,
  latestThen,
  takingOf,
  type LatestTaking,
} from "../preflight/latest.js";
import { admitted } from "../preflight/objections.js";
import { believedLook, notListedLately } from "../queries/get.js";
import { ruleInForce } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { mustBeShown, mustNotBeMissed, subjectOf, type Asks, type ByHand } from "./acceptance.js";
import { deletionBy } from "./delete.js";
import { demotionBy, promotionBy } from "./promote.js";
import { softDeleteIn } from "../state/deletion.js";

type Of = ForecastView["of"];

/**
 * Forecasts a person's request without regions. What a parameter can allow is a finding with
 * severity error; throws whatever else the request would be refused with, and what the reads throw.
 */
export async function forecastImageVersion(
  deps: Dependencies,
  id: ImageVersionId,
  of: Of,
  leaving: readonly string[] = [],
): Promise<ForecastView> {
  const read = await deps.store.read(keyOf(formatImageVersionId(id)));
  const seen = await believedLook(deps, id, read?.record);
  const subject = subjectOf(read, seen, contextOf(deps));
  const record = subject.stored?.record;
  const look = mustBeShown(id, subject);
  const { decide, ask } = await commandOf(deps, id, of);
  const decided = decide(subject, []);
  // An operation in progress asks for nothing more.
  const isAsked = "asks" in decided;
  const asks: Partial<Asks> = isAsked ? decided.asks : {};
  const { request = { patch: {} }, on = subject.stored, warnings = [] } = asks;
  const softDelete = softDeleteIn(isAsked ? decided.asks : decided);
  await admitted(deps, id, on?.record, look, request, false);
  const asked = isAsked ? await allowed(() => ask?.(subject) ?? Promise.resolve([])) : [];
  const needed = request.guarded ? await allowed(() => mustNotBeMissed(deps, id, request)) : [];
  const taking = { ...takingOf(id, look, record, request), leaving };
  const { latest, unknown } = await latestShown(deps, taking);
  return {
    of,
    ...(of === "promote" && waveOf(record, taking)),
    inLatest: [...taking.after],
    regions: latest.map((change) => ({ ...change })),
    ...(softDelete && { softDelete }),
    findings: findingsInAnswer([
      ...seen.warnings,
      ...unknown,
      ...asked,
      ...needed,
      ...(of === "promote" ? [] : latestFindings(latest.filter(isChanged), false)),
      ...(await heldFindings(deps, taking, latest)),
      ...warnings,
    ]),
  };
}

/**
 * Uses looks that others took recently, and nothing newer while Azure's limits are nearly used up.
 */
async function latestShown(deps: Dependencies, taking: LatestTaking) {
  const { resourceManager, looks } = deps;
  const listed = await looks.versions(imageIdOf(taking.id));
  const shown: Dependencies["resourceManager"] = {
    ...resourceManager,
    getImageVersion: (id) => looks.version(id),
    listImageVersions: () => Promise.resolve(listed?.items),
  };
  return {
    latest: await latestThen({ ...deps, resourceManager: shown }, taking),
    unknown: notListedLately(deps, listed?.time ?? ""),
  };
}

async function commandOf(deps: Dependencies, id: ImageVersionId, of: Of): Promise<ByHand> {
  const command = { id, requestedBy: {}, traceparent: "" };
  switch (of) {
    case "promote":
      return promotionBy(deps, command);
    case "demote":
      return demotionBy(command);
    case "delete":
      return deletionBy(deps, command);
  }
}

/** An Admin may delete the version despite these. */
const ALLOWED: readonly ErrorCode[] = ["FailedNotSoftDeletable", "ImageVersionInUse", "UseUnknown"];

async function allowed(ask: () => Promise<readonly Finding[]>): Promise<readonly Finding[]> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ServiceError && ALLOWED.includes(error.code)) return error.findings;
    throw error;
  }
}

/** The wave, from 1, that a promotion starts under a rule in force. */
function waveOf(
  record: ImageVersionRecord | undefined,
  { before, after }: LatestTaking,
): Pick<ForecastView, "wave"> {
  const { waves = [] } = (record && ruleInForce(record)) ?? {};
  const index = waves.findIndex(({ regions }) =>
    regions.map(canonicalRegion).some((name) => after.includes(name) && !before.includes(name)),
  );
  return index < 0 ? {} : { wave: index + 1 };
}
