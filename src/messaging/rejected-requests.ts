/**
 * Stored requests that were rejected by Service Bus. An Admin sends one again with their own
 * permissions: it is decided like any write of theirs, and a request that is refused again changes
 * nothing. Invariants:
 *  1. The request is accepted before its message is removed, so a process that dies in between
 *     leaves the message there.
 *  2. Its idempotency key is its own source and id; for a corrected request, its number and new
 *     content. Sent again at the same time, or after such a death, it is one operation.
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
  /** The first findings. */
  readonly errors: readonly Finding[];
  /** The original's size, if `bytes` are only its beginning. */
  readonly originalLength: number | undefined;
}

/** The queue of rejected requests. */
export interface RejectedRequests {
  /** The first `most` messages from this id on, oldest first. Receives and locks nothing. */
  readonly peek: (fromId: bigint, most: number) => Promise<readonly KeptRequest[]>;
  /** False if it is missing, another receiver has it, or too many older ones come first. */
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
/** The highest sequence number: 64 bits, signed. */
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
  /** What to send instead; absent: the request unchanged. */
  readonly correction?: Correction | undefined;
}

interface SentAgain {
  readonly versionId: ImageVersionId;
  /** The original's source and id; a corrected one may have none. */
  readonly request?: EventReference | undefined;
  readonly answer: PutAnswer;
  readonly removed: boolean;
}

/**
 * Throws ServiceError NotFound if it is not, or no longer, stored; PayloadTooLarge if it should be
 * sent unchanged but is not stored whole; and any refusal of the request.
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

/** The text unchanged: whoever shows it must treat it as plain text. */
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
