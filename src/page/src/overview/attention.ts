import type { Schemas } from "@sigil/client";
import { namesText } from "../geography.js";
import { matrixOf } from "../image/cells.js";
import { inWords, isRunning, titleOf, type Operation } from "../operations.js";
import type { ImageName, Route } from "../routes.js";
import { nameIn, type Summary } from "../summaries.js";
import type { TileState } from "../tile-state.js";
import { shortTime } from "../times.js";

/** An image definition, and its versions at a glance. */
export interface Known {
  readonly image: ImageName;
  readonly summary: Summary | undefined;
}

/** Something that a person should look at. */
export interface Attention {
  readonly tile: TileState;
  readonly title: string;
  readonly text: string;
  readonly to: Route;
  /** The lower, the more urgent. */
  readonly rank: number;
}

const RANKS = { bad: 1, warn: 2 } as const;

/** What else waits for a person. */
export interface Waiting {
  /** Operations that take longer than they should. */
  readonly stuck: readonly Operation[];
  /** Messages that could not be accepted, or why they could not be read; empty to who may not see them. */
  readonly rejected: readonly Schemas["RejectedRequest"][] | Error;
}

/** Most urgent first: what has failed, keys at risk, what waits for a person, what reaches its end. */
export function attentionOf(
  images: readonly Known[],
  { stuck, rejected }: Waiting,
  nowMs: number,
): readonly Attention[] {
  const versions = images.flatMap(({ image, summary }): Attention[] =>
    summary === undefined
      ? []
      : matrixOf(summary.body, nowMs).rows.flatMap(
          ({ version, standsOut, tone, mark }): Attention[] =>
            // A key is said once, of however many versions.
            (tone !== "bad" && tone !== "warn") || mark === "risk"
              ? []
              : [
                  {
                    tile: mark,
                    title: `${image.imageName} ${version.name}`,
                    text: standsOut,
                    to: { view: "version", image, version: version.name },
                    rank: RANKS[tone],
                  },
                ],
        ),
  );
  const waiting = stuck.filter(isRunning).map((operation): Attention => ({
    tile: "held",
    title: titleOf(operation),
    text: operation.waitReason ?? "It takes longer than it should.",
    to: { view: "operation", operationId: operation.id },
    rank: RANKS.warn,
  }));
  return [...versions, ...keys(images), ...waiting, ...messages(rejected)].sort(
    (a, b) => a.rank - b.rank,
  );
}

/** Sets whose key does not work, or soon will not, in one line. */
function keys(images: readonly Known[]): readonly Attention[] {
  const found = new Map<string, { text: string; isBroken: boolean }>();
  for (const { summary } of images)
    for (const { diskEncryptionSet, problems } of summary?.body.keys ?? []) {
      const id = summary?.body.diskEncryptionSets[diskEncryptionSet];
      const [first] = [...problems].sort((a, b) => a.severity.localeCompare(b.severity));
      if (id !== undefined && first !== undefined)
        found.set(id.toLowerCase(), {
          text: `${nameIn(id)}: ${inWords(first.code)}`,
          isBroken: first.severity === "error",
        });
    }
  const sets = [...found.values()];
  const subscriptions = new Set([...found.keys()].map((id) => id.split("/")[2]));
  const [subscriptionId] = subscriptions;
  const isBroken = sets.some((one) => one.isBroken);
  return sets.length === 0
    ? []
    : [
        {
          tile: "risk",
          title: `${sets.length} ${sets.length === 1 ? "key" : "keys"} at risk`,
          text: namesText(sets.map(({ text }) => text)),
          to: {
            view: "keys",
            ...(subscriptions.size === 1 && subscriptionId && { subscriptionId }),
          },
          rank: isBroken ? RANKS.bad : RANKS.warn,
        },
      ];
}

function messages(rejected: Waiting["rejected"]): readonly Attention[] {
  const row = (title: string, text: string): Attention => ({
    tile: "held",
    title,
    text,
    to: { view: "rejected" },
    rank: RANKS.warn,
  });
  if (rejected instanceof Error)
    return [row("Rejected requests could not be read", rejected.message)];
  const [oldest] = rejected;
  if (oldest === undefined) return [];
  const { length } = rejected;
  return [
    row(
      `${length} rejected ${length === 1 ? "request" : "requests"}`,
      `The oldest came ${shortTime(Date.parse(oldest.enqueuedTime))}. Correct it, or send it again.`,
    ),
  ];
}
