/**
 * Looks after the dead-letter queues, where nobody else looks. A message is there because it was delivered too often
 * (something ended the process each time, or its body is no AMQP data section), or because its time to live ended.
 * Invariants:
 *  1. Dead letters are told before they end, and end only when they are as old as the deployment says.
 *  2. The same dead letters are the same event: the topic's duplicate detection makes one a day of it.
 *  3. A queue that cannot be looked after leaves the others to be.
 */
import { createHash } from "node:crypto";
import type { EventData } from "../events/documented-event.js";
import { QUEUE_EVENT } from "../events/queue-events.js";
import type { EventPublisher } from "../operation/ports.js";

/** What one dead-letter queue holds. */
export interface DeadLetterLook {
  readonly queue: string;
  readonly count: number;
  /** True where there are more, which were not counted. */
  readonly more: boolean;
  /** How many of those counted are older than was asked. */
  readonly old: number;
  /** When the oldest was sent, RFC 3339; undefined where there is none. */
  readonly oldestTime: string | undefined;
  /** Why they are dead, in Service Bus's words, the most frequent first. */
  readonly reasons: readonly {
    readonly reason: string;
    readonly count: number;
  }[];
  /** Tells these dead letters from others. */
  readonly mark: string;
}

export interface DeadLetters {
  readonly queues: readonly string[];
  /** Leaves everything where it is. `before` is what makes a message old. */
  look(queue: string, before: Date): Promise<DeadLetterLook>;
  /** Deletes those sent before then, `most` of them; answers how many. */
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
  /** How many were deleted, by queue. */
  readonly ended: Readonly<Record<string, number>>;
  readonly errors: readonly unknown[];
}

/** A run deletes so many in each queue at the most: the next goes on. */
const MOST_ENDED = 500;

/** Looks once at each dead-letter queue, tells what is in it, and ends what is old. */
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
