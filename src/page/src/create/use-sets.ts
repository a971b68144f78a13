import { useEffect, useState } from "preact/hooks";
import { entries, type Client } from "@sigil/client";
import type { DiskEncryptionSet } from "./model/sets.js";
import { errorOf } from "../retry.js";

export interface SetsState {
  readonly loading: boolean;
  /** Every set of the subscription; absent where none could be read yet. */
  readonly value?: readonly DiskEncryptionSet[];
  readonly error?: Error;
  readonly reload: () => void;
}

export function useSets(client: Client, subscriptionId: string): SetsState {
  const [count, setCount] = useState(0);
  const [state, setState] = useState<Omit<SetsState, "reload">>({
    loading: true,
  });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    setState(({ value }) => ({ loading: true, ...(value && { value }) }));
    const read = async (): Promise<readonly DiskEncryptionSet[]> => {
      const sets: DiskEncryptionSet[] = [];
      for await (const set of entries(client, "listDiskEncryptionSets", {
        path: { subscriptionId },
        query: {},
        signal,
      }))
        sets.push(set);
      return sets;
    };
    read().then(
      (value) => setState({ loading: false, value }),
      (error: unknown) => {
        if (signal.aborted) return;
        setState(({ value }) => ({
          loading: false,
          ...(value && { value }),
          error: errorOf(error),
        }));
      },
    );
    return () => controller.abort();
  }, [client, subscriptionId, count]);
  return { ...state, reload: () => setCount((n) => n + 1) };
}
