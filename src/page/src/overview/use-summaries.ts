import { useEffect, useState } from "preact/hooks";
import { useClient } from "../context.js";
import { IDLE_MS } from "../retry.js";
import { imageKey, type ImageName } from "../routes.js";
import { paceOf, readSummary, type Summary } from "../summaries.js";
import { useCurrent } from "../use-current.js";

/** An image definition, and its versions at a glance. */
export interface Known {
  readonly image: ImageName;
  readonly summary: Summary | undefined;
}

/** Image definitions whose summary is read; of more the names are shown. */
const MOST_SUMMARIES = 20;

/** The summary of each, one after the other: none is waited for. */
export function useSummaries(images: readonly ImageName[]): readonly Known[] {
  const client = useClient();
  const [summaries, setSummaries] = useState<ReadonlyMap<string, Summary>>(new Map());
  const some = images
    .slice(0, MOST_SUMMARIES)
    .sort((a, b) => imageKey(a).localeCompare(imageKey(b)));
  const key = some.map(imageKey).join("\n");
  const current = useCurrent({ some, summaries });
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const known = new Map(current.current.summaries);
    const readAll = async (): Promise<void> => {
      for (const image of current.current.some) {
        try {
          const summary = await readSummary(
            client,
            image,
            known.get(imageKey(image)),
            ended.signal,
          );
          if (known.get(imageKey(image)) !== summary) {
            known.set(imageKey(image), summary);
            setSummaries(new Map(known));
          }
        } catch {
          // One that is gone or cannot be read has no line of its own; the image definition's view says why.
        }
        if (ended.signal.aborted) return;
      }
      timer = setTimeout(
        () => void readAll(),
        known.size === 0 ? IDLE_MS : Math.min(...[...known.values()].map(paceOf)),
      );
    };
    void readAll();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, client, current]);
  return images.map((image) => ({
    image,
    summary: summaries.get(imageKey(image)),
  }));
}
