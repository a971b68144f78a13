// Invariants:
// 1. One request at a time, and none while the tab is hidden for less than HIDDEN_MS or nobody is signed in.
//    An answer that says when to ask again is obeyed, but where a person asks.
// 2. What is shown stays until something newer has come, whatever fails meanwhile; `checkedAtMs` says how old it is.
// 3. On the way back to a view, its last value shows at once and is read again at once. Sign-out clears all values.
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useSession } from "./context.js";
import { askedToWaitMs, BUSY_MS, errorOf, retryDelayMs } from "./retry.js";
import { useCurrent } from "./use-current.js";

export interface Live<T> {
  readonly value: T | undefined;
  /** When the API last confirmed the value. */
  readonly checkedAtMs: number | undefined;
  /** Why the last read failed; undefined once one has gone well. */
  readonly error: Error | undefined;
  /** Reads now, and often for a while, because the effect of a request shows a moment later. */
  readonly refresh: () => void;
}

interface Shown<T> {
  readonly key: string;
  readonly value?: T;
  readonly checkedAtMs?: number;
  readonly error?: Error;
}

const MOST_KEPT = 30;
const EAGER_FOR_MS = 20_000;
const HIDDEN_MS = 120_000;

/**
 * Reads again and again what `key` names, for as long as it is shown. `load` answers `previous` where nothing has changed;
 * `refresh` says that a person waits for it. `everyMs` says when to read next. `isKept`: false for a dialog that
 * needs a current value.
 */
export function useLive<T>(
  key: string,
  load: (previous: T | undefined, signal: AbortSignal, refresh: boolean) => Promise<T>,
  everyMs: (value: T) => number,
  isKept = true,
): Live<T> {
  const { state, lastShown } = useSession();
  const before = (): Shown<T> => ((isKept && lastShown.get(key)) || { key }) as Shown<T>;
  const [shown, setShown] = useState(before);
  const current = useCurrent({ load, everyMs, before });
  const readNow = useRef<() => void>(() => undefined);

  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    let reading = false;
    let isAsked = false;
    let failures = 0;
    let eagerUntilMs = 0;
    let notBeforeMs = 0;
    let latest = current.current.before(); // Invariant 3.
    setShown(latest);

    const show = (next: Shown<T>): void => {
      latest = next;
      setShown(next);
    };
    const plan = (ms: number): void => {
      clearTimeout(timer);
      if (ended.signal.aborted) return;
      timer = setTimeout(() => void read(), document.hidden ? Math.max(ms, HIDDEN_MS) : ms);
    };
    const read = async (): Promise<void> => {
      clearTimeout(timer);
      if (reading || state.get().kind !== "signedIn") return; // Invariant 1.
      reading = true;
      const refresh = isAsked;
      isAsked = false;
      let nextMs: number;
      try {
        const value = await current.current.load(latest.value, ended.signal, refresh);
        if (ended.signal.aborted) return;
        failures = 0;
        notBeforeMs = 0;
        show({ key, value, checkedAtMs: Date.now() });
        if (isKept) keep(lastShown, latest);
        nextMs = current.current.everyMs(value);
        if (Date.now() < eagerUntilMs) nextMs = Math.min(nextMs, BUSY_MS);
      } catch (error) {
        if (ended.signal.aborted) return;
        // Invariant 2.
        show({
          ...latest,
          error: errorOf(error),
        });
        nextMs = retryDelayMs(error, failures);
        notBeforeMs = Date.now() + askedToWaitMs(error);
        failures += 1;
      } finally {
        reading = false;
      }
      plan(nextMs);
    };
    readNow.current = () => {
      isAsked = true;
      eagerUntilMs = Date.now() + EAGER_FOR_MS;
      void read();
    };
    const replan = (): void => plan(Math.max(0, notBeforeMs - Date.now()));
    document.addEventListener("visibilitychange", replan);
    const unsubscribe = state.subscribe(replan);
    void read();
    return () => {
      ended.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", replan);
      unsubscribe();
    };
  }, [key, state, lastShown, isKept, current]);

  const refresh = useCallback(() => readNow.current(), []);
  // The key has changed, and the effect has not run yet.
  const own = shown.key === key ? shown : before();
  const { value, checkedAtMs, error } = own;
  return { value, checkedAtMs, error, refresh };
}

function keep(lastShown: Map<string, unknown>, shown: Shown<unknown>): void {
  lastShown.delete(shown.key); // The last one is the newest.
  lastShown.set(shown.key, shown);
  for (const oldest of [...lastShown.keys()].slice(0, -MOST_KEPT)) lastShown.delete(oldest);
}
