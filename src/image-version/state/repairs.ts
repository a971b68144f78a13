/** Repairs that come to nothing: of a region that is not taken away, and of one that could not be added back. Pure. */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { events } from "../../operation/advance.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationFailure } from "../../operation/records.js";
import { fieldsOf, regionsIn } from "../properties/fields.js";
import type {
  DecidedEnd,
  ImageVersionPair,
  ImageVersionRecord,
} from "./record.js";

/** These regions are not taken away: each for what was found, by canonical name. Their repair is over. */
export function withoutRepairs(
  pair: ImageVersionPair,
  refused: Readonly<Record<string, readonly Finding[]>>,
): ImageVersionPair {
  const { repairs } = pair.record;
  return {
    ...pair,
    record: {
      ...pair.record,
      repairs: {
        ...repairs,
        ...Object.fromEntries(
          Object.entries(refused).map(([name, findings]) => [
            name,
            { attempts: repairs[name]?.attempts ?? 0, refused: findings },
          ]),
        ),
      },
    },
  };
}

/** Why a region stays as it is, and what to do. */
export function whyNotRepaired(
  region: string,
  refused: readonly Finding[],
): string {
  const [first] = refused;
  const more = refused.length - 1;
  return [
    `${region} is not removed and added back:`,
    first?.message,
    first?.remediation,
    more > 0 ? `${more} more: see the errors of the operation.` : undefined,
  ]
    .filter((part) => part !== undefined)
    .join(" ");
}

export function sentence(text: string): string {
  return /[.!?]$/u.test(text) ? text : `${text}.`;
}

/**
 * Regions that were taken away, and that Azure does not take back for this reason: they are told to be removed. What they were is
 * kept, so that a retry adds them back.
 */
export function notAddedBack(
  pair: ImageVersionPair,
  { code, message }: OperationFailure,
  context: TransitionContext,
): ImageVersionPair & { readonly lost: readonly string[] } {
  const { record } = pair;
  const shown = record.observed
    ? regionsIn(fieldsOf(record.observed.resource))
    : [];
  // With the whole version its regions are gone.
  const isThere = (name: string): boolean =>
    code === "ImageVersionGone" || shown.includes(name);
  const lost: string[] = [];
  const repairs: Record<string, ImageVersionRecord["repairs"][string]> = {};
  for (const [name, repair] of Object.entries(record.repairs)) {
    const { attempts, removed } = repair;
    if (removed === undefined) repairs[name] = repair;
    else if (!isThere(name)) {
      lost.push(name);
      repairs[name] = { attempts, lost: removed };
    }
  }
  return {
    ...pair,
    lost,
    record: {
      ...record,
      repairs,
      regions: record.regions.map((region) =>
        lost.includes(region.name)
          ? {
              ...region,
              state: "Failed" as const,
              details: `It was removed for its repair, and could not be added back: ${message}`,
            }
          : region,
      ),
      outbox: [
        ...record.outbox,
        ...lost.flatMap((region) =>
          events(
            pair,
            context,
            IMAGE_VERSION_EVENT.regionRemoved,
            `${region}/removed`,
            { region },
          ),
        ),
      ],
    },
  };
}

/** What its end says, beside its reason, of regions that could not be added back; empty where there are none. */
export function lossOf({ lost = [] }: Pick<DecidedEnd, "lost">): string {
  if (lost.length === 0) return "";
  const one = lost.length === 1;
  return ` ${lost.join(", ")} ${one ? "was removed for its repair" : "were removed for their repair"}, and could not be added back. Once the cause is mended, retry ${one ? "it" : "them"} (POST …/retry): ${one ? "it is added back as it was" : "they are added back as they were"}.`;
}
