import type { CloudEvent } from "./cloud-event.js";

/**
 * Cuts of an event that is too large for a message, each shorter than the one before: the first
 * items of each list, the first characters of each text. Resource ids stay whole.
 */
const CUTS = [
  { items: Infinity, characters: Infinity }, // Only drops the original.
  { items: 100, characters: 2_000 },
  { items: 50, characters: 1_000 },
  { items: 20, characters: 500 },
  { items: 5, characters: 500 },
  { items: 1, characters: 500 },
] as const;

interface Cut {
  readonly items: number;
  readonly characters: number;
}

/**
 * The largest cut of the event that `fits` accepts, with `truncated` set. The last resort keeps
 * only members of `data` that are neither lists nor objects. Undefined: not even that fits.
 */
export function cutEvent(
  event: CloudEvent,
  fits: (shorter: CloudEvent) => boolean,
): CloudEvent | undefined {
  const data = withoutOriginal(event.data as Record<string, unknown>);
  for (const cut of CUTS) {
    const shorter = { ...event, truncated: true, data: shortened(data, cut) };
    if (fits(shorter)) return shorter;
  }
  const plain = Object.entries(data).filter(([, value]) => typeof value !== "object");
  const shortest = {
    ...event,
    truncated: true,
    data: shortened(Object.fromEntries(plain.slice(0, MOST_PLAIN)), CUTS[5]),
  };
  return fits(shortest) ? shortest : undefined;
}

const MOST_PLAIN = 20;

/** Drops the sender's JSON: a part of it could be misread, so it is kept whole or not at all. */
function withoutOriginal({ original, ...data }: Record<string, unknown>): Record<string, unknown> {
  return original === undefined
    ? data
    : {
        ...data,
        originalOmitted: "The original does not fit into the event; it is in the rejected queue.",
      };
}

function shortened(value: unknown, cut: Cut): unknown {
  if (typeof value === "string")
    return value.length > cut.characters ? `${value.slice(0, cut.characters)}…` : value;
  if (Array.isArray(value))
    return value.slice(0, cut.items).map((item: unknown) => shortened(item, cut));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, shortened(member, cut)]),
  );
}
