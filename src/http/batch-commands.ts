/**
 * The commands of a batch's items: each is the request that its caller would send alone. Invariants:
 *  1. Before each plan and each command the gallery policy is asked again. Roles are those of the
 *     token that requested the batch.
 *  2. A plan throws what its command would be refused with, because it is that command, not stored.
 */
import {
  requireMayUse,
  requireMayWrite,
  writeTargetOf,
  type GalleryPolicy,
} from "../authorization/gallery-policy.js";
import type { BatchCommands, ItemPlan, ItemRequest } from "../batch/ports.js";
import type { BatchCommand } from "../batch/record.js";
import type { Finding } from "../errors.js";
import { planRollback, type PutAnswer } from "../image-version/index.js";
import type { OperationRecord } from "../operation/records.js";
import { parseImageVersionId } from "../resource-id.js";
import type { RevocationDependencies } from "../revocation/ports.js";
import { planRevocation } from "../revocation/revoke.js";
import { rollbackIn, type Patch, type Put } from "./commands-in.js";
import type { Validator } from "./contract/validation.js";
import type { EndpointRequest } from "./endpoint.js";
import { revocationIn, versionCommands, type VersionCommands } from "./version-commands.js";

/** What only the request of an item has. */
interface OfBatch {
  readonly parent?: string;
  readonly rehearsal?: { readonly leaving: readonly string[] };
}

/** Whether its request may have an ETag. */
export const TAKES_IF_MATCH: Readonly<Record<BatchCommand, boolean>> = {
  putImageVersion: true,
  patchImageVersion: true,
  promoteImageVersion: true,
  demoteImageVersion: true,
  retryImageVersion: false,
  deleteImageVersion: true,
  revokeImageVersion: false,
  rollBackImage: true,
};

type Begin = {
  readonly [Command in BatchCommand]: (
    request: EndpointRequest<Command>,
  ) => Promise<OperationRecord | undefined>;
};

function begins(commands: VersionCommands): Begin {
  return {
    putImageVersion: async (request) => changed(await commands.put(withPlan(request))),
    patchImageVersion: async (request) => changed(await commands.patch(withPlan(request))),
    promoteImageVersion: commands.promote,
    demoteImageVersion: commands.demote,
    retryImageVersion: commands.retry,
    deleteImageVersion: commands.delete,
    revokeImageVersion: commands.revoke,
    rollBackImage: commands.rollBack,
  };
}

function withPlan<R extends Put | Patch>(request: R): R {
  return { ...request, query: { ...request.query, plan: "require" } };
}

function changed(answer: PutAnswer): OperationRecord | undefined {
  return answer.kind === "accepted" ? answer.operation : undefined;
}

export function batchCommands(
  revocation: RevocationDependencies,
  validator: Validator,
  policy: GalleryPolicy | undefined,
): BatchCommands {
  const validate = (version: unknown): readonly Finding[] =>
    validator.validateBody("putImageVersion", version).findings;
  const rows = begins(versionCommands(revocation, validate));
  const requestOf = (item: ItemRequest, more: OfBatch, idempotencyKey?: string) => {
    requireMayWrite(policy, item.caller, writeTargetOf(item.id)); // Invariant 1.
    return requestAlone(item, validator, policy, more, idempotencyKey);
  };
  const begin = (item: ItemRequest, request: unknown): Promise<OperationRecord | undefined> =>
    rows[item.command](request as never);
  return {
    plan: async (item, leaving) => {
      const request = requestOf(item, { rehearsal: { leaving } });
      if (item.command === "rollBackImage")
        return planOfRollback(revocation, request as EndpointRequest<"rollBackImage">);
      if (item.command === "revokeImageVersion") {
        const command = revocationIn(request as EndpointRequest<"revokeImageVersion">);
        const { findings } = await planRevocation(revocation, { ...command, leaving });
        return { unchanged: false, findings, summary: sentences("revoke", findings) };
      }
      return planOf(item, await begin(item, request)); // Invariant 2.
    },
    begin: (item, idempotencyKey, parent) =>
      begin(item, requestOf(item, { parent }, idempotencyKey)),
  };
}

/** As an endpoint makes it of an HTTP request. */
function requestAlone(
  { id, command, query, caller, body, ifMatch, traceparent }: ItemRequest,
  validator: Validator,
  policy: GalleryPolicy | undefined,
  more: OfBatch,
  idempotencyKey: string | undefined,
): unknown {
  const given = validator.validateBody(command, body);
  return {
    path: pathOf(id),
    query,
    headers: {
      ...(ifMatch !== undefined && { "If-Match": ifMatch }),
      ...(idempotencyKey !== undefined && { "Idempotency-Key": idempotencyKey }),
    },
    body: given.value,
    pasted: given.pasted,
    principal: caller,
    requireMayUse: (...used: Parameters<EndpointRequest<"putImageVersion">["requireMayUse"]>) =>
      requireMayUse(policy, caller, ...used),
    traceparent,
    ...more,
  };
}

/** The names in the path of a version, or of an image definition. */
function pathOf(id: string) {
  const path = parseImageVersionId(/\/versions\/[^/]+$/u.test(id) ? id : `${id}/versions/0.0.0`);
  if (path === undefined) throw new TypeError(`${id} is no id of an item`);
  return path;
}

async function planOfRollback(
  { imageVersions }: RevocationDependencies,
  request: EndpointRequest<"rollBackImage">,
): Promise<ItemPlan> {
  const { from, to, warnings = [] } = await planRollback(imageVersions, rollbackIn(request));
  return { unchanged: false, findings: [], summary: sentences(`${from} → ${to}`, warnings) };
}

const VERBS: Readonly<Record<string, string>> = {
  CreateImageVersion: "create",
  UpdateImageVersion: "update",
  PromoteImageVersion: "promote",
  DemoteImageVersion: "demote",
  RetryImageVersion: "retry",
  DeleteImageVersion: "delete",
};

function planOf({ command }: ItemRequest, operation: OperationRecord | undefined): ItemPlan {
  if (operation === undefined) return { unchanged: true, findings: [], summary: "" };
  const { kind, regions, warnings = [] } = operation;
  const names = regions.map(({ name }) => name).join(", ");
  const does = `${VERBS[kind] ?? kind} ${names}`.trim();
  const told = warnings.filter(
    ({ code }) => command !== "patchImageVersion" || !KEPT.includes(code),
  );
  return { unchanged: false, findings: [], summary: sentences(does, told) };
}

/** A merge patch names only what it changes. */
const KEPT: readonly string[] = ["RegionKept", "EdgeZoneKept"];

function sentences(does: string, warnings: readonly Finding[]): string {
  const others = warnings.map(({ message }) => message);
  return others.length > 0 ? `${does}. ${others.join(" ")}` : does;
}
