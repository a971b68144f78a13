/**
 * Keeps a peeked message locked while its function runs.
 *
 * The client could do it, but keeps its renewals by MessageId: a message without one is never handed over, and of two
 * with the same one only one is renewed (LockRenewer in `@azure/service-bus` 7.9).
 *
 * Invariants
 * 1. A lock is renewed while there are at least `RENEW_BEFORE_MS` left of it, or half of what there was if that is less
 *    (the margin of the .NET processor).
 * 2. Nothing is renewed once `maxDurationMs` have passed since the message came, or once `stop` was called.
 * 3. A renewal that fails is the last: the lock runs out, and the broker delivers the message again.
 */
import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";
import type { Clock } from "@sigil-local/clock";

const RENEW_BEFORE_MS = 10_000;

export interface LockRenewalOptions {
  readonly receiver: ServiceBusReceiver;
  readonly message: ServiceBusReceivedMessage;
  readonly maxDurationMs: number;
  readonly clock: Clock;
  readonly onFailure: (error: unknown) => void;
}

/** Renews the lock of `message` until the result is called. */
export function renewLock(options: LockRenewalOptions): () => void {
  const { receiver, message, maxDurationMs, clock, onFailure } = options;
  const endMs = clock.now() + maxDurationMs;
  let stopped = false;
  let cancel: () => void = () => undefined;
  const arm = (lockedUntil: Date | undefined): void => {
    if (stopped || lockedUntil === undefined) return;
    const leftMs = lockedUntil.getTime() - clock.now();
    const atMs = lockedUntil.getTime() - Math.min(RENEW_BEFORE_MS, leftMs / 2);
    if (leftMs <= 0 || atMs >= endMs) return;
    cancel = clock.at(atMs, () => {
      receiver.renewMessageLock(message).then(arm, (error: unknown) => {
        if (!stopped) onFailure(error);
      });
    });
  };
  arm(message.lockedUntilUtc);
  return () => {
    stopped = true;
    cancel();
  };
}
