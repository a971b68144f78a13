import type { Finding, Severity } from "../../errors.js";
import type { ImageVersionId } from "../../resource-id.js";
import type { ImageVersionRequest, TargetRegion } from "../contract.js";
import { targetRegionsOf } from "../properties/canonical-form.js";
import type { Change, Gathered } from "./gathered.js";
import type { Basis } from "./basis.js";

/** The input of a rule over the request only. `request` is canonical. */
export interface RequestSubject {
  readonly id: ImageVersionId;
  readonly request: ImageVersionRequest;
  readonly now: Date;
  /** How it changes a version that Azure has; absent: Azure has none. */
  readonly change?: Change | undefined;
}

/** The input of a rule over the request and Azure. */
export interface GatheredSubject extends RequestSubject {
  readonly gathered: Gathered;
}

/** The input of a rule over a change of a version. */
export type ChangeSubject = RequestSubject;

/** One breach of a rule. */
export interface Breach {
  /** RFC 6901, into the request. */
  readonly pointer: string;
  /** What is wrong, with the resources and values involved. */
  readonly message: string;
  /** The command or change that corrects it. */
  readonly remediation: string;
}

/**
 * A rule, in a file of its name. Never reads a clock or a network. To add a rule, add its file to
 * rules.ts.
 */
export interface Rule<Subject> {
  /** Kebab-case. */
  readonly name: string;
  /** Stable; part of the API. */
  readonly code: string;
  readonly severity: Severity;
  readonly basis: Basis;
  /** What is true if the rule is met, in one sentence; docs/reference/rules.md lists these. */
  readonly summary: string;
  readonly check: (subject: Subject) => readonly Breach[];
}

export type RequestRule = Rule<RequestSubject>;
export type ChangeRule = Rule<ChangeSubject>;
export type GatheredRule = Rule<GatheredSubject>;

/** A rule's finding, as callers see it. */
export type RuleFinding = Required<Finding>;

export { STORAGE_PROFILE, TARGET_REGIONS } from "../properties/table.js";

/**
 * Each target region that Azure does not show yet, with its index: Azure already accepted the
 * others.
 */
export function newRegions({ request, change }: RequestSubject): readonly {
  readonly i: number;
  readonly region: TargetRegion;
}[] {
  const there =
    change === undefined ? [] : targetRegionsOf(change.observed).map(({ name }) => name);
  return targetRegionsOf(request).flatMap((region, i) =>
    there.includes(region.name) ? [] : [{ i, region }],
  );
}
