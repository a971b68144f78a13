/** A PUT, PATCH or plan as it is decided: its body, and what is read for that. */
import { ServiceError } from "../../errors.js";
import type { EncryptionRule, ImageVersionRequest } from "../contract.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { sourceWarnings } from "../preflight/objections.js";
import { ruleWarnings } from "../preflight/rule.js";
import { canonicalForm } from "../properties/canonical-form.js";
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
  const fingerprint = fingerprintOfPut(given, removeRegions, rule, ifMatch);
  return { written, given, rule, removeRegions, fingerprint };
}

function notHere(): ServiceError {
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

/** With the sets that its rule chooses. Throws what the reads throw, and as `mustBeAdmitted`. */
export async function readRequest(
  deps: Dependencies,
  command: ChangeOptions,
  { given, rule, admitted, ...said }: Said,
  glance: Glance,
  read: StoredVersion | undefined,
): Promise<Request> {
  const { id } = command;
  const { look } = glance;
  const shown = look?.resource;
  // If the same request is in progress, its sets are chosen already.
  const { id: same = "" } = repeated(read, look, said.fingerprint) ?? {};
  const before = read?.record.requests[same]?.body;
  const { request: body, findings: unchosen } = await chooseSets(
    deps,
    id,
    before ?? given,
    before === undefined ? rule : undefined,
    shown,
  );
  if (rule !== undefined) mustBeAdmitted(deps, command, body, admitted);
  const warnings = [
    ...(await ruleWarnings(deps, id, body, shown)),
    ...(await sourceWarnings(deps, body, shown)),
  ];
  return { ...said, command, body, glance, unchosen, warnings };
}
