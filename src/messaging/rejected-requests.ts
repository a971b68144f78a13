/**
 * Requests by Service Bus that were rejected, as they are kept. An Admin sends one again under their own authorization: what
 * comes of it is decided as of any write of theirs, and of a request that is refused again nothing changes. Invariants:
 *  1. The request is accepted first, and its message removed then: whoever dies in between leaves it there.
 *  2. Its own source and id are its idempotency key, of a corrected one its number and what it says now: sent again at the
 *     same time or after such a death, it is one operation.
 */
import { isUtf8 } from "node:buffer";
import { ServiceError, type Finding } from "../errors.js";
import type { PutAnswer } from "../image-version/index.js";
import { forgedToken, type Page } from "../operation/queries.js";
import type { EventReference, Requester } from "../operation/records.js";
import type { ImageVersionId } from "../resource-id.js";
import {
  putCorrected,
  putRequest,
  type Correction,
  type TakingDependencies,
} from "./request-handler.js";
import { referenceIn } from "./read-request.js";
import type { IncomingMessage } from "./incoming-message.js";

/** A message of the rejected queue. */
export interface KeptRequest extends Pick<IncomingMessage, "bytes" | "applicationProperties"> {
  /** Its sequence number in the queue. */
  readonly id: string;
  readonly enqueuedTime: string;
  readonly code: string;
  readonly reason: string;
  /** The first of what was found wrong. */
  readonly errors: readonly Finding[];
  /** The original had so many bytes, and `bytes` are its first. */
  readonly originalLength: number | undefined;
}

/** The queue of rejected requests. */
export interface RejectedRequests {
  /** The first so many from this id on, oldest first; receives and locks nothing. */
  readonly peek: (fromId: bigint, most: number) => Promise<readonly KeptRequest[]>;
  /** False where it is not there, another has it, or too many older ones are before it. */
  readonly remove: (id: string) => Promise<boolean>;
}

interface RejectedRequestView {
  readonly id: string;
  readonly enqueuedTime: string;
  readonly rejectionCode: string;
  readonly rejectionReason: string;
  readonly errors: Finding[];
  readonly size: number;
  readonly request?: EventReference;
  readonly original?: string;
}

const LARGEST_SHOWN_BYTES = 64 * 1024;
/** Of a sequence number: 64 bits, signed. */
const LARGEST_ID = 2n ** 63n - 1n;

/** One page, oldest first. */
export async function listRejectedRequests(
  rejected: RejectedRequests,
  top: number,
  continuationToken: string | undefined,
): Promise<Page<RejectedRequestView>> {
  const from = idOf(continuationToken ?? "1");
  if (from === undefined) throw forgedToken();
  const kept = await rejected.peek(from, top + 1);
  const next = kept[top];
  return {
    value: kept.slice(0, top).map(view),
    ...(next !== undefined && { continuationToken: next.id }),
  };
}

interface SendAgain {
  readonly id: string;
  readonly requestedBy: Requester;
  readonly traceparent: string;
  /** What is sent instead; absent: the request as it is. */
  readonly correction?: Correction | undefined;
}

interface SentAgain {
  readonly versionId: ImageVersionId;
  /** The original's name; a corrected one may have none. */
  readonly request?: EventReference | undefined;
  readonly answer: PutAnswer;
  readonly removed: boolean;
}

/**
 * Throws ServiceError NotFound where it is not kept (any more), PayloadTooLarge where it is to be sent as it is and is not
 * kept whole, and whatever the request is refused with.
 */
export async function sendAgain(
  deps: TakingDependencies,
  rejected: RejectedRequests,
  { id, requestedBy, traceparent, correction }: SendAgain,
): Promise<SentAgain> {
  const from = idOf(id);
  const [kept] = from === undefined ? [] : await rejected.peek(from, 1);
  if (kept?.id !== id)
    throw new ServiceError(
      "NotFound",
      `There is no rejected request ${id}. It was sent again, removed from the queue, or expired.`,
    );
  if (correction !== undefined) {
    const request = referenceIn(kept);
    const sent = await putCorrected(deps, correction, {
      requestedBy,
      traceparent,
      key: JSON.stringify(["corrected", id, correction]),
      event: request,
    });
    return { ...sent, request, removed: await rejected.remove(id) };
  }
  if (kept.originalLength !== undefined)
    throw new ServiceError(
      "PayloadTooLarge",
      `Only the first ${kept.bytes.length} of the request's ${kept.originalLength} bytes are kept. Ask its sender to send it again.`,
    );
  const sent = await putRequest(deps, kept, traceparent, requestedBy);
  return { ...sent, removed: await rejected.remove(id) };
}

function idOf(text: string): bigint | undefined {
  if (!/^[1-9]\d{0,18}$/u.test(text)) return undefined;
  const id = BigInt(text);
  return id > LARGEST_ID ? undefined : id;
}

/** The text as it is: whoever shows it must not take it for anything else. */
function view(kept: KeptRequest): RejectedRequestView {
  const { id, enqueuedTime, code, reason, errors, bytes, originalLength } = kept;
  const request = referenceIn(kept);
  return {
    id,
    enqueuedTime,
    rejectionCode: code,
    rejectionReason: reason,
    errors: [...errors],
    size: originalLength ?? bytes.length,
    ...(request !== undefined && { request }),
    ...(originalLength === undefined &&
      bytes.length <= LARGEST_SHOWN_BYTES &&
      isUtf8(bytes) && { original: bytes.toString("utf8") }),
  };
}
