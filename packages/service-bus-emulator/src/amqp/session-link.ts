import type { Queue } from "../broker/queue.js";
import type { SessionLock, SessionRequest } from "../broker/sessions.js";
import { LOST, SESSION_REFUSED } from "./errors.js";
import { echo, refuse } from "./terminus.js";
import { types, type Sender, type Typed } from "./rhea.js";

const FILTER = "com.microsoft:session-filter";
const LOCKED_UNTIL = "com.microsoft:locked-until-utc";
const TIMEOUT = "com.microsoft:timeout";
/** How long a client waits by default: the operation timeout of the SDKs. */
const DEFAULT_WAIT_MS = 60_000;
const TICKS_PER_MS = 10_000n;
/** Ticks of .NET from the year 1 to 1970. */
const EPOCH_TICKS = 621_355_968_000_000_000n;

/** Whether a link asks for a session, one by name or any. */
export function wantsSession(link: Sender): boolean {
  return link.source?.filter != null && FILTER in link.source.filter;
}

/**
 * Waits with the answer to a link's attach for a session, and answers with the one it is given, or with the refusal.
 *
 * Invariants
 * 1. The attach is written once: with the session, before its refusal, or before the peer's own detach is answered.
 * 2. A link that is gone neither waits for a session nor keeps one.
 */
export class SessionWait {
  readonly #link: Sender;
  readonly #queue: Queue;
  readonly #request: SessionRequest;

  /** `open` is called with the session once it may be received from. */
  constructor(link: Sender, queue: Queue, open: (session: SessionLock) => void) {
    this.#link = link;
    this.#queue = queue;
    const wanted = link.source?.filter?.[FILTER];
    const asked = isTyped(wanted) ? wanted.value : wanted;
    const waitMs = link.properties?.[TIMEOUT];
    this.#request = {
      sessionId: typeof asked === "string" ? asked : undefined,
      linkName: link.name,
      waitMs: typeof waitMs === "number" ? waitMs : DEFAULT_WAIT_MS,
      accepted: (lock) => {
        this.#answerWith(lock, wanted);
        open(lock);
      },
      refused: (why) => {
        this.#writeAttach();
        refuse(link, SESSION_REFUSED[why]);
      },
      lost: () => link.close(LOST["session-lock-lost"]),
    };
  }

  start(): void {
    // rhea answers an attach on the next tick, by a method of its prototype; until `#writeAttach` this one is in its place.
    this.#link._process = () => undefined;
    this.#queue.requestSession(this.#request);
  }

  /** Withdraws a waiting peer; must run before rhea answers its detach. */
  close(): void {
    this.#queue.withdrawRequest(this.#request); // (2)
    this.#writeAttach();
  }

  #answerWith(lock: SessionLock, wanted: unknown): void {
    const link = this.#link;
    link.set_source({
      ...echo(link.source, link.name),
      filter: { [FILTER]: inTheShapeOf(wanted, lock.sessionId) },
    });
    link.local.attach.properties = {
      [LOCKED_UNTIL]: types.wrap_long(toTicks(lock.untilMs)),
    };
    this.#writeAttach();
  }

  #writeAttach(): void {
    delete this.#link._process; // (1)
    this.#link.connection._register();
  }
}

/** A filter's value as the client wrote its own: plain, as the SDKs of Microsoft have it, or described, as AMQP does. */
function inTheShapeOf(asked: unknown, sessionId: string): unknown {
  if (!isTyped(asked) || asked.descriptor === undefined) return sessionId;
  return types.described(asked.descriptor, types.wrap_string(sessionId));
}

function isTyped(value: unknown): value is Typed {
  return typeof value === "object" && value !== null && "type" in value;
}

function toTicks(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(ms) * TICKS_PER_MS + EPOCH_TICKS);
  return bytes;
}
