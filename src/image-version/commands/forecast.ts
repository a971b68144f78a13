/** What a promotion, a demotion or a deletion would do, found out without writing anything. */
import {
  findingsInAnswer,
  ServiceError,
  type ErrorCode,
  type Finding,
} from "../../errors.js";
import {
  canonicalRegion,
  formatImageVersionId,
  imageIdOf,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type { ForecastView } from "../contract.js";
import type { ReleaseChange } from "../latest/release.js";
import type { Dependencies } from "../ports.js";
import { keysMustWork } from "../preflight/keys.js";
import {
  changedOf,
  latestFindings,
  latestThen,
  takingOf,
  type LatestTaking,
} from "../preflight/latest.js";
import { isGuarded, mustNotBeNeeded } from "../preflight/use.js";
import { softDeleteOf } from "../queries/deleted-versions.js";
import { latestRegions } from "../queries/use.js";
import { ruleInForce } from "../state/fold.js";
import type { ImageVersionRecord } from "../state/record.js";
import { absent, glance, type Subject } from "./acceptance.js";
import { mustBeDeletable, RELEASE } from "./delete.js";
import { mustNotBeToBeDeleted, promotionOf } from "./promote.js";
import { finalityOf } from "./soft-delete.js";

type Of = ForecastView["of"];

/**
 * A person's request without regions. What a parameter of it can allow is an error among the findings; throws what the request would be
 * refused with else, and what the reads throw.
 */
export async function forecastImageVersion(
  deps: Dependencies,
  id: ImageVersionId,
  of: Of,
): Promise<ForecastView> {
  const stored = await deps.store.read(keyOf(formatImageVersionId(id)));
  const subject = { stored, ...(await glance(deps, id, stored?.record, true)) };
  const { look } = subject;
  if (look === undefined) throw absent({ id }, stored);
  const taking = takingOf(id, look, stored?.record, {
    patch: {},
    release: changeOf(of, subject),
  });
  const findings = await findingsOf(deps, id, of, { ...subject, look });
  const latest = await latestThen(deps, taking);
  const wave = of === "promote" ? waveOf(stored?.record, taking) : undefined;
  const softDelete =
    of === "delete" ? await softDeleteOf(deps, imageIdOf(id)) : undefined;
  return {
    of,
    ...(wave !== undefined && { wave }),
    inLatest: [...taking.after],
    regions: latest.map((change) => ({ ...change })),
    ...(softDelete && { softDelete }),
    findings: findingsInAnswer([
      ...findings,
      ...(of === "promote" ? [] : latestFindings(changedOf(latest), false)),
      ...(softDelete ? finalityOf(softDelete, id, false) : []),
    ]),
  };
}

function changeOf(of: Of, subject: Subject): ReleaseChange {
  switch (of) {
    case "promote":
      return promotionOf({}, undefined, subject);
    case "demote":
      return { kind: "exclude", by: "person" };
    case "delete":
      return RELEASE;
  }
}

async function findingsOf(
  deps: Dependencies,
  id: ImageVersionId,
  of: Of,
  subject: Subject & { readonly look: NonNullable<Subject["look"]> },
): Promise<readonly Finding[]> {
  const { look, stored } = subject;
  switch (of) {
    case "promote":
      mustNotBeToBeDeleted(id, stored);
      return keysMustWork(deps, id, look, stored?.record);
    case "demote":
      return [];
    case "delete":
      mustBeDeletable({ id }, subject, deps.now());
      return isGuarded(deps) ? neededBy(deps, id) : [];
  }
}

/** An Admin may say that it is deleted all the same. */
const ALLOWED: readonly ErrorCode[] = ["ImageVersionInUse", "UseUnknown"];

async function neededBy(
  deps: Dependencies,
  id: ImageVersionId,
): Promise<readonly Finding[]> {
  try {
    return await mustNotBeNeeded(deps, {
      id,
      latestIn: await latestRegions(deps, id),
      pointer: "",
    });
  } catch (error) {
    if (error instanceof ServiceError && ALLOWED.includes(error.code))
      return error.findings;
    throw error;
  }
}

/** From 1: the wave of a rule in force that a promotion begins. */
function waveOf(
  record: ImageVersionRecord | undefined,
  { before, after }: LatestTaking,
): number | undefined {
  const { waves = [] } = (record && ruleInForce(record)) ?? {};
  const index = waves.findIndex(({ regions }) =>
    regions
      .map(canonicalRegion)
      .some((name) => after.includes(name) && !before.includes(name)),
  );
  return index < 0 ? undefined : index + 1;
}
