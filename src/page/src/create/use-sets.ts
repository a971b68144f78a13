import { useEffect, useState } from "preact/hooks";
import { entries, type Client } from "@sigil/client";
import type { ImageName } from "../routes.js";
import type { VersionSummary } from "../summaries.js";
import type { SectionProps } from "./fields.js";
import type { Form, KeyRule } from "./model/form.js";
import { suggestedRule, withProposedSets } from "./model/regions.js";
import type { DiskEncryptionSet } from "./model/sets.js";
import type { Base } from "./model/submission.js";
import { useLoaded } from "../components/loaded.js";
import { errorOf } from "../retry.js";
import { useCurrent } from "../use-current.js";

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

/** Proposes sets for regions that are added, once the sets of the subscription are known. */
export function useProposedSets(
  { value: sets }: SetsState,
  given: {
    readonly image: ImageName;
    /** Other versions, the highest first. */
    readonly others: readonly VersionSummary[];
    readonly read: (version: string) => Promise<Base>;
    readonly edit: SectionProps<Form>["change"];
  },
): (regions: readonly string[]) => void {
  const [added, setAdded] = useState<readonly string[]>([]);
  const current = useCurrent(given);
  useEffect(() => {
    if (sets === undefined || added.length === 0) return;
    setAdded([]);
    const { image, others, read, edit } = current.current;
    const having = added.flatMap(
      (region) =>
        others.find(({ regions }) => regions.some(({ name }) => name === region))?.name ?? [],
    );
    void Promise.all([...new Set(having)].map(read))
      // What cannot be read proposes nothing.
      .catch((): readonly Base[] => [])
      .then((bases) => {
        const earlier = bases.map(({ form }) => form);
        edit((now) => withProposedSets(now, added, { image, sets, earlier }));
      });
  }, [added, sets, current]);
  return (regions) => setAdded((before) => [...before, ...regions]);
}

/** What an empty rule suggests, by the newest of the other versions once it has been read. */
export function useSuggestedRule({
  image,
  others,
  read,
}: {
  readonly image: ImageName;
  /** Other versions, the highest first. */
  readonly others: readonly VersionSummary[];
  readonly read: (version: string) => Promise<Base>;
}): KeyRule {
  const name = others[0]?.name;
  const newest = useLoaded(name ?? "", async () =>
    name === undefined ? undefined : await read(name),
  );
  return suggestedRule(newest.value?.form, image);
}
