import type { Principal } from "../authorization/authentication.js";
import {
  readVersionAgain,
  viewImageVersion,
  type Beside,
  type KnownImageVersion,
} from "../image-version/index.js";
import type { Kinds } from "../operation/ports.js";
import type { OperationRecord, Requester } from "../operation/records.js";
import { viewOperation, type OperationView } from "../operation/views.js";
import { viewNothingToDo } from "./nothing-to-do.js";

/** Seconds until a caller should read an operation again; Azure's work takes at least minutes. */
export const RETRY_AFTER_SECONDS = 15;

/** 200 with a version, its ETag, and when to read it again, which is sooner where its keys are opened. */
export function shown(version: KnownImageVersion, now: Date, beside?: Beside, withKeys = false) {
  return {
    status: 200 as const,
    headers: {
      ETag: version.etag,
      "Retry-After": readVersionAgain(version.record, withKeys, now),
    },
    body: viewImageVersion(version, now, beside),
  };
}

/** 202 with the operation, its URL, and the URL of its result. */
export function accepted(
  deps: { readonly kinds: Kinds },
  operation: OperationRecord,
  requestUrl: URL,
): {
  status: 202;
  headers: {
    Location: string;
    "Operation-Location": string;
    "Retry-After": number;
  };
  body: OperationView;
} {
  return {
    status: 202,
    headers: {
      Location: requestUrl.origin + requestUrl.pathname,
      "Operation-Location": `${apiRootOf(requestUrl)}/operations/${operation.id}`,
      "Retry-After": RETRY_AFTER_SECONDS,
    },
    body: viewOperation(deps, operation),
  };
}

/** 200 with a finished operation, because the version is already as requested. */
export function nothingToDo(
  version: KnownImageVersion,
  versionUrl: URL,
  now: Date,
): {
  status: 200;
  headers: {
    ETag: string;
    "Content-Location": string;
    "Operation-Location": string;
  };
  body: OperationView;
} {
  const body = viewNothingToDo(version, now);
  return {
    status: 200,
    headers: {
      ETag: version.etag,
      "Content-Location": versionUrl.origin + versionUrl.pathname,
      "Operation-Location": `${apiRootOf(versionUrl)}/operations/${body.id}`,
    },
    body,
  };
}

/** The requester and options of an operation; only what the request has. */
export function askedIn({
  principal,
  traceparent,
  headers: { "Idempotency-Key": idempotencyKey },
  parent,
  rehearsal,
}: {
  readonly principal: Principal | undefined;
  readonly traceparent: string;
  /** The operation of the batch that requests it. */
  readonly parent?: string;
  readonly rehearsal?: { readonly leaving: readonly string[] };
  readonly headers: {
    readonly "Idempotency-Key"?: string;
    readonly "If-Match"?: string;
  };
}): {
  requestedBy: ReturnType<typeof requesterOf>;
  traceparent: string;
  idempotencyKey?: string;
  parent?: string;
  rehearsal?: { readonly leaving: readonly string[] };
} {
  return {
    requestedBy: requesterOf(principal),
    traceparent,
    ...(parent !== undefined && { parent }),
    ...(rehearsal !== undefined && { rehearsal }),
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

/** The requester, as an operation stores it. */
export function requesterOf(
  principal: Principal | undefined,
): Pick<Requester, "appId" | "objectId" | "name" | "actsForPerson"> {
  const { appId, objectId, name, actsForPerson } = principal ?? {};
  return {
    ...(appId !== undefined && { appId }),
    ...(objectId !== undefined && { objectId }),
    ...(name !== undefined && !isReserved(name) && { name }),
    ...(actsForPerson && { actsForPerson }),
  };
}

/**
 * Whatever a token says, no caller is shown as Sigil or Azure. A caller with such a name is shown
 * by an id.
 */
function isReserved(name: string): boolean {
  const plain = name.normalize("NFKC").replace(/[^\p{L}\p{N}]/gu, "");
  return /^(?:sigil|azure|microsoftazure)$/iu.test(plain);
}

/** The part before the first name of a resource, under which other operations are. */
export function apiRootOf(requestUrl: URL): string {
  return (
    requestUrl.origin +
    requestUrl.pathname.replace(
      /\/(?:subscriptions|rejected-requests|batches|operations)(?:\/.*)?$/iu,
      "",
    )
  );
}
