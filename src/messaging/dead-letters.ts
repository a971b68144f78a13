/**
 * Checks the dead-letter queues, which nothing else does. A message is there because it was
 * delivered too often (the process died each time, or its body is not an AMQP data section), or
 * because its time to live ended. Invariants:
 *  1. Dead letters are reported before they are deleted, and deleted only at the age that the
 *     deployment sets.
 *  2. The same dead letters give the same event, so the topic's duplicate detection passes one a
 *     day.
 *  3. A failure with one queue does not stop the others.
 */
import { createHash } from "node:crypto";
import type { EventData } from "../events/documented-event.js";
import { QUEUE_EVENT } from "../events/queue-events.js";
import type { EventPublisher } from "../operation/ports.js";

/** The contents of a dead-letter queue. */
export interface DeadLetterLook {
  readonly queue: string;
  readonly count: number;
  /** True if there are more, which were not counted. */
  readonly more: boolean;
  /** How many of the counted ones are older than requested. */
  readonly old: number;
  /** When the oldest was sent; RFC 3339. Undefined: there is none. */
  readonly oldestTime: string | undefined;
  /** Why they are dead, in Service Bus's words, most frequent first. */
  readonly reasons: readonly {
    readonly reason: string;
    readonly count: number;
  }[];
  /** Distinguishes these dead letters from others. */
  readonly mark: string;
}

export interface DeadLetters {
  readonly queues: readonly string[];
  /** Reads without changes. A message from before `before` is old. */
  look(queue: string, before: Date): Promise<DeadLetterLook>;
  /** Deletes at most `most` messages sent before then; returns how many. */
  end(queue: string, before: Date, most: number): Promise<number>;
}

export interface DeadLetterDependencies {
  readonly deadLetters: DeadLetters;
  readonly events: EventPublisher;
  readonly eventSource: string;
  readonly retentionMs: number;
  readonly now: () => Date;
}

interface DeadLetterReport {
  readonly looks: readonly DeadLetterLook[];
  /** Number of deleted messages by queue. */
  readonly ended: Readonly<Record<string, number>>;
  readonly errors: readonly unknown[];
}

/** Limit of deletions for each queue in a run; the next run continues. */
const MOST_ENDED = 500;

/** Checks each dead-letter queue once, reports its contents, and deletes old messages. */
export async function lookAfterDeadLetters(
  deps: DeadLetterDependencies,
  traceparent: string,
): Promise<DeadLetterReport> {
  const looks: DeadLetterLook[] = [];
  const ended: Record<string, number> = {};
  const errors: unknown[] = [];
  const before = new Date(deps.now().getTime() - deps.retentionMs);
  for (const queue of deps.deadLetters.queues) {
    try {
      const look = await deps.deadLetters.look(queue, before);
      looks.push(look);
      if (look.oldestTime === undefined) continue;
      await tell(deps, look, look.oldestTime, traceparent); // Invariant 1.
      if (look.old > 0)
        ended[queue] = await deps.deadLetters.end(queue, before, Math.min(look.old, MOST_ENDED));
    } catch (error) {
      errors.push(error); // Invariant 3.
    }
  }
  return { looks, ended, errors };
}

async function tell(
  deps: DeadLetterDependencies,
  { queue, count, more, reasons, mark }: DeadLetterLook,
  oldestTime: string,
  traceparent: string,
): Promise<void> {
  const hash = createHash("sha256").update(mark).digest("hex").slice(0, 32);
  const data: EventData<typeof QUEUE_EVENT.deadLettersFound> = {
    queue,
    count,
    more,
    oldestTime,
    endTime: new Date(Date.parse(oldestTime) + deps.retentionMs).toISOString(),
    reasons: [...reasons],
  };
  await deps.events.publish([
    {
      specversion: "1.0",
      id: `dead-letters/${queue}/${hash}`, // Invariant 2.
      source: deps.eventSource,
      type: QUEUE_EVENT.deadLettersFound,
      subject: queue,
      time: deps.now().toISOString(),
      datacontenttype: "application/json",
      traceparent,
      data,
    },
  ]);
}
