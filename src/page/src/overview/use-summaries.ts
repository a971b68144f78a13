import { useEffect, useState } from "preact/hooks";
import type { Client } from "@sigil/client";
import { useClient } from "../context.js";
import { IDLE_MS } from "../retry.js";
import { imageKey, type ImageName } from "../routes.js";
import { isBusy, readSummary, type Summary } from "../summaries.js";
import { headlinesOf } from "../version/headline.js";
import type { Known, WaitingVersion } from "./attention.js";

/** Image definitions whose summary is read; of more the names are shown. */
const MOST_SUMMARIES = 20;

/** The summary of each, one after the other: none is waited for. */
export function useSummaries(images: readonly ImageName[]): readonly Known[] {
  const client = useClient();
  const [summaries, setSummaries] = useState<ReadonlyMap<string, Summary>>(
    new Map(),
  );
  const read = images
    .slice(0, MOST_SUMMARIES)
    .sort((a, b) => imageKey(a).localeCompare(imageKey(b)));
  const [waiting, setWaiting] = useState<ReadonlyMap<string, WaitingVersion>>(
    new Map(),
  );
  const key = read.map(imageKey).join("\n");
  useEffect(() => {
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const known = new Map(summaries);
    const readAll = async (): Promise<void> => {
      for (const image of read) {
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
          const found = await readWaiting(client, image, summary, ended.signal);
          setWaiting((before) => changedBy(before, imageKey(image), found));
        } catch {
          // One that is gone or cannot be read has no line of its own; the image definition's view says why.
        }
        if (ended.signal.aborted) return;
      }
      timer = setTimeout(() => void readAll(), IDLE_MS * 2);
    };
    void readAll();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [key, client]);
  return images.map((image) => ({
    image,
    summary: summaries.get(imageKey(image)),
    waiting: waiting.get(imageKey(image)),
  }));
}

/** Lists do not say whom a promotion waits for: of the newest version that is held back, the version itself does. */
async function readWaiting(
  client: Client,
  image: ImageName,
  { body: { versions } }: Summary,
  signal: AbortSignal,
): Promise<WaitingVersion | undefined> {
  const held = versions.find((one) => one.heldBack === true && !isBusy(one));
  if (held === undefined) return undefined;
  const { body } = await client.call("getImageVersion", {
    path: { ...image, versionName: held.name },
    signal,
  });
  const line = headlinesOf(body, undefined).find(
    ({ deed }) =>
      deed !== undefined &&
      ["promote", "approve", "tests"].includes(deed.does.kind),
  );
  return line && { name: held.name, text: line.title };
}

function changedBy<Value>(
  map: ReadonlyMap<string, Value>,
  key: string,
  value: Value | undefined,
): ReadonlyMap<string, Value> {
  const changed = new Map(map);
  if (value === undefined) changed.delete(key);
  else changed.set(key, value);
  return changed;
}
