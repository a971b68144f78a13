import type { Principal } from "../authorization/authentication.js";
import { viewImageVersion, type Beside, type KnownImageVersion } from "../image-version/index.js";
import type { OperationRecord, Requester } from "../operation/records.js";
import { viewOperation, type OperationView } from "../operation/views.js";
import { viewNothingToDo } from "./nothing-to-do.js";

/** How soon a caller may look at an operation again, in seconds: what Azure does takes minutes at the least. */
export const RETRY_AFTER_SECONDS = 15;

/** 200 with a version, and its ETag. */
export function shown(version: KnownImageVersion, now: Date, beside?: Beside) {
  return {
    status: 200 as const,
    headers: { ETag: version.etag },
    body: viewImageVersion(version, now, beside),
  };
}

/** 202 with the operation: where it is followed, and where what it makes will be. */
export function accepted(
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
    body: viewOperation(operation),
  };
}

/** 200 with an operation that is done: the version is as requested already. */
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

/** By whom and how an operation is asked for: only what the request has. */
export function askedIn({
  principal,
  traceparent,
  headers: { "Idempotency-Key": idempotencyKey },
}: {
  readonly principal: Principal | undefined;
  readonly traceparent: string;
  readonly headers: {
    readonly "Idempotency-Key"?: string;
    readonly "If-Match"?: string;
  };
}): {
  requestedBy: ReturnType<typeof requesterOf>;
  traceparent: string;
  idempotencyKey?: string;
} {
  return {
    requestedBy: requesterOf(principal),
    traceparent,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  };
}

/** Who asked, as an operation keeps it. */
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

/** Whatever a token says, nobody is shown as Sigil or Azure: who has such a name is shown by an id. */
function isReserved(name: string): boolean {
  const plain = name.normalize("NFKC").replace(/[^\p{L}\p{N}]/gu, "");
  return /^(?:sigil|azure|microsoftazure)$/iu.test(plain);
}

/** Everything up to `/subscriptions/` or `/rejected-requests/`: the address that other operations stand under. */
export function apiRootOf(requestUrl: URL): string {
  return (
    requestUrl.origin +
    requestUrl.pathname.replace(/\/(?:subscriptions|rejected-requests)\/.*$/iu, "")
  );
}
