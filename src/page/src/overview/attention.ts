import type { TileState } from "../tile-state.js";
import { matrixOf } from "../image/cells.js";
import { isRunning, kindName, type Operation } from "../operations.js";
import { parseResourceId, type ImageName, type Route } from "../routes.js";
import type { Summary } from "../summaries.js";

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

/** Most urgent first: what has failed, keys at risk, what waits for a person, what reaches its end. */
export function attentionOf(
  images: readonly Known[],
  operations: readonly Operation[],
  nowMs: number,
): readonly Attention[] {
  const found = images.flatMap(({ image, summary }): Attention[] =>
    summary === undefined
      ? []
      : matrixOf(summary.body, nowMs).rows.flatMap(
          ({ version, standsOut, tone, cells }): Attention[] =>
            tone !== "bad" && tone !== "warn"
              ? []
              : [
                  {
                    tile: cells.some(({ state }) => state === "risk")
                      ? "risk"
                      : tone === "bad"
                        ? "failed"
                        : /person|paused/u.test(standsOut)
                          ? "held"
                          : "note-mark",
                    title: `${image.imageName} ${version.name}`,
                    text: standsOut,
                    to: { view: "version", image, version: version.name },
                    rank: RANKS[tone],
                  },
                ],
        ),
  );
  const stuck = operations.filter(isRunning).map((operation): Attention => {
    const place = parseResourceId(operation.resourceId);
    return {
      tile: "held",
      title: `${kindName(operation.kind)} ${place?.image.imageName ?? ""} ${place?.version ?? ""}`,
      text: operation.waitReason ?? "It takes longer than it should.",
      to: { view: "operation", operationId: operation.id },
      rank: RANKS.warn,
    };
  });
  return [...found, ...stuck].sort((a, b) => a.rank - b.rank);
}
