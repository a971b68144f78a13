/** A PUT, PATCH or plan as it is decided: its body, and what is read for that. */
import { ServiceError } from "../../errors.js";
import { omit } from "../../objects.js";
import { mustMayUseMachines } from "../capture/admit.js";
import { chooseSnapshots } from "../capture/choose.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { namedResources, requireFewReads } from "../preflight/named.js";
import { sourceWarnings } from "../preflight/objections.js";
import { ruleWarnings } from "../preflight/rule.js";
import { canonicalForm } from "../properties/canonical-form.js";
import type { ImageVersionId } from "../../resource-id.js";
import type { VersionRequest } from "../state/record.js";
import type { Glance } from "./acceptance.js";
import { canonicalRegions, mustBeAdmitted, type ChangeOptions } from "./command.js";
import type { Request } from "./compared.js";
import { chooseSets } from "./encryption-rule.js";
import { restores } from "./restore-by-body.js";
import { fingerprintOfPut, repeated } from "./same-operation.js";
import { withSetIds } from "./set-names.js";

/** The request, before anything that it names is read. */
export interface Said extends Pick<Request, "written" | "removeRegions" | "patch" | "fingerprint"> {
  /** Canonical, without the sets that its rule chooses. */
  readonly given: ImageVersionRequest;
  readonly rule: EncryptionRule | undefined;
  /** The machine that it names is to be captured. */
  readonly captures?: boolean;
  /** The version whose resources the caller needs no permission for. */
  readonly admitted?: ImageVersionRequest;
}

/** Throws as `mustBeAdmitted`. */
export function saidByBody(
  deps: Dependencies,
  command: ChangeOptions & { readonly body: ImageVersionRequest },
): Said {
  const { id, body, ifMatch } = command;
  if (restores(body)) throw notHere();
  const written = withSetIds(body, id);
  const given = canonicalForm(written);
  mustBeAdmitted(deps, command, given);
  const rule = body.sigil?.encryption;
  const removeRegions = canonicalRegions(command.removeRegions);
  const captures = body.sigil?.capture !== undefined;
  const fingerprint = fingerprintOfPut(given, removeRegions, rule, ifMatch, captures);
  return { written, given, rule, captures, removeRegions, fingerprint };
}

export function notHere(): ServiceError {
  const message =
    "`restore` only works in a PUT or PATCH of the deleted version, not in a plan or for a new number.";
  return new ServiceError("InvalidRequest", message, {
    findings: [
      {
        code: "UnsupportedProperty",
        pointer: "/properties/restore",
        message,
        severity: "error",
        remediation: "Leave it out, or restore the version: POST …/restore.",
      },
    ],
  });
}

/** With the snapshots and sets that are chosen for it. Throws what the reads throw, and as `mustBeAdmitted`. */
export async function readRequest(
  deps: Dependencies,
  command: ChangeOptions,
  asked: Said,
  glance: Glance,
  read: StoredVersion | undefined,
): Promise<Request> {
  const said = omit(asked, "given", "rule", "captures", "admitted");
  const shown = glance.look?.resource;
  const { id: same = "" } = repeated(read, glance.look, said.fingerprint) ?? {};
  const chosen = await chosenFor(deps, command, asked, shown, read?.record.requests[same]);
  const warnings = [
    ...(await ruleWarnings(deps, command.id, chosen.body, shown)),
    ...(await sourceWarnings(deps, chosen.body, shown)),
  ];
  return { ...said, command, ...chosen, glance, warnings };
}

type Chosen = Pick<Request, "body" | "capture" | "capturePlan" | "unchosen">;

/** `same`: the same request in progress, whose snapshots and sets are chosen already. */
async function chosenFor(
  deps: Dependencies,
  command: ChangeOptions,
  { given, rule, captures = false, admitted }: Said,
  shown: ImageVersionRequest | undefined,
  same: VersionRequest | undefined,
): Promise<Chosen> {
  const { id, requireMayUse } = command;
  if (same?.body !== undefined) {
    const { body, capture } = same;
    if (rule !== undefined) mustBeAdmitted(deps, command, body, admitted);
    return { body, ...(capture !== undefined && { capture }), unchosen: [] };
  }
  const captured = await chooseSnapshots(deps, id, given, captures, shown);
  const { capture, plan } = captured;
  const { request: body, findings } = await chooseSets(deps, id, captured.request, rule, shown);
  if (capture === undefined && shown === undefined)
    await mustMayUseMachines(deps, requireMayUse, body);
  // Whoever may use the machine may use its snapshots.
  const had = capture === undefined ? admitted : captured.request;
  if (rule !== undefined) mustBeAdmitted(deps, command, body, had);
  if (plan !== undefined) mustBeFewReads(deps, id, body, plan.snapshots.length + 1);
  return {
    body,
    ...(capture !== undefined && { capture }),
    ...(plan && { capturePlan: plan }),
    unchosen: [...captured.findings, ...findings],
  };
}

/** `more`: the machine and its disks. */
function mustBeFewReads(
  { maxReads, requiredRegistrations }: Dependencies,
  id: ImageVersionId,
  body: ImageVersionRequest,
  more: number,
): void {
  requireFewReads(maxReads, requiredRegistrations.length, namedResources(id, body), more);
}
