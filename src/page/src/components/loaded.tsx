import { useEffect, useState } from "preact/hooks";
import { errorOf } from "../retry.js";

type Loaded<T> =
  | { readonly kind: "loading" }
  | { readonly kind: "loaded"; readonly value: T }
  | { readonly kind: "failed"; readonly error: Error };

/** Reads once for each key. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<{ key: string; state: Loaded<T> }>({
    key,
    state: { kind: "loading" },
  });
  useEffect(() => {
    const controller = new AbortController();
    const set = (state: Loaded<T>): void => {
      if (!controller.signal.aborted) setLoaded({ key, state });
    };
    set({ kind: "loading" });
    load(controller.signal).then(
      (value) => set({ kind: "loaded", value }),
      (error: unknown) =>
        set({
          kind: "failed",
          error: errorOf(error),
        }),
    );
    return () => controller.abort();
  }, [key]);
  return loaded.key === key ? loaded.state : { kind: "loading" };
}
