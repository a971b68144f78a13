/**
 * Freezes: until one ends, no version of its image definitions comes into latest. All are one
 * document, so that each check is one read. Invariants:
 *  1. A freeze holds back what comes into latest, and nothing that leaves it. A rollback passes.
 *  2. An approval since `from` opens its regions for that version.
 *  3. A freeze that has ended has no effect, and the next change of a freeze removes it.
 *  4. Every instance obeys a change within `KEPT_MS`, the one that stored it at once.
 */
import { coversImage, type ImagePattern } from "../authorization/gallery-policy.js";
import { ServiceError, type Finding } from "../errors.js";
import type { ImageDocuments } from "../image-documents.js";
import type { Requester } from "../operation/records.js";
import { canonicalRegion, type ImageVersionId } from "../resource-id.js";
import { SharedReads } from "../shared-reads.js";

export interface Freeze {
  readonly name: string;
  readonly images: readonly ImagePattern[];
  /** Canonical; absent: everywhere. */
  readonly regions?: readonly string[];
  /** RFC 3339. */
  readonly from: string;
  /** RFC 3339. */
  readonly until: string;
  readonly reason: string;
  readonly setBy: Requester;
  /** RFC 3339. */
  readonly setTime: string;
}

/** The one document, by what the storage calls the id of an image definition. */
export interface StoredFreezes {
  readonly imageId: typeof DOCUMENT;
  readonly freezes: readonly Freeze[];
}

export type AskedFreeze = Pick<Freeze, "name" | "images" | "regions" | "until" | "reason"> &
  Partial<Pick<Freeze, "from">>;

export interface Freezes {
  /** Those that have not ended, read at most `KEPT_MS` ago. */
  list(): Promise<readonly Freeze[]>;
  /**
   * Stores it in place of one with its name. Throws ServiceError InvalidRequest; StateConflict,
   * retryable, if another is changed at the same time.
   */
  put(asked: AskedFreeze, setBy: Requester): Promise<Freeze>;
  /** Returns the freeze that there was. Throws ServiceError NotFound, StateConflict. */
  remove(name: string): Promise<Freeze>;
}

const DOCUMENT = "freezes";
const KEPT_MS = 5_000;
const MOST_FREEZES = 100;
const DAY_MS = 86_400_000;
const MOST_DAYS = 92;

export function createFreezes(
  documents: Pick<ImageDocuments<StoredFreezes>, "read" | "put">,
  now: () => Date,
): Freezes {
  const reads = new SharedReads<readonly Freeze[]>({ most: 1, keepMs: KEPT_MS, now });
  const lasting = (freezes: readonly Freeze[] = []): readonly Freeze[] =>
    freezes.filter(({ until }) => Date.parse(until) > now().getTime());
  const change = async <T>(
    alter: (freezes: readonly Freeze[]) => {
      readonly after: readonly Freeze[];
      readonly answer: T;
    },
  ): Promise<T> => {
    const stored = await documents.read(DOCUMENT);
    const { after, answer } = alter(lasting(stored?.document.freezes));
    await documents.put({ imageId: DOCUMENT, freezes: after }, stored?.etag);
    reads.forget(DOCUMENT);
    return answer;
  };
  return {
    async list() {
      const read = async () => (await documents.read(DOCUMENT))?.document.freezes ?? [];
      return lasting(await reads.once(DOCUMENT, read));
    },
    put: ({ regions, from, ...asked }, setBy) => {
      const setTime = now().toISOString();
      const freeze: Freeze = {
        ...asked,
        ...(regions && { regions: [...new Set(regions.map(canonicalRegion))] }),
        from: from ?? setTime,
        setBy,
        setTime,
      };
      return change((freezes) => {
        const others = freezes.filter(({ name }) => name !== freeze.name);
        mustBePossible(freeze, others.length, now());
        return { after: [...others, freeze], answer: freeze };
      });
    },
    remove: (name) =>
      change((freezes) => {
        const answer = freezes.find((one) => one.name === name);
        if (answer === undefined)
          throw new ServiceError(
            "NotFound",
            `There is no freeze "${name}", or it has ended. GET /api/freezes lists all.`,
          );
        return { after: freezes.filter((one) => one !== answer), answer };
      }),
  };
}

function mustBePossible({ from, until }: Freeze, others: number, now: Date): void {
  const beginMs = Math.max(Date.parse(from), now.getTime());
  const lastMs = beginMs + MOST_DAYS * DAY_MS;
  const findings: Finding[] = [];
  if (Date.parse(until) <= beginMs)
    findings.push({
      code: "FreezeEndsFirst",
      pointer: "/until",
      message: `Set until to a time after ${new Date(beginMs).toISOString()}.`,
    });
  if (Date.parse(until) > lastMs)
    findings.push({
      code: "FreezeTooLong",
      pointer: "/until",
      message: `A freeze lasts ${MOST_DAYS} days at most. Set until to ${new Date(lastMs).toISOString()} or earlier.`,
    });
  if (others >= MOST_FREEZES)
    findings.push({
      code: "TooManyFreezes",
      pointer: "",
      message: `There are ${others} freezes, which is the limit. Delete one first, or name more images in one.`,
    });
  if (findings.length > 0)
    throw new ServiceError(
      "InvalidRequest",
      "The freeze cannot be set; each reason is listed under errors.",
      { findings },
    );
}

/** The freezes of the image definition that have begun. */
export function freezesOf(
  freezes: readonly Freeze[],
  image: Omit<ImageVersionId, "versionName">,
  now: Date,
): readonly Freeze[] {
  return freezes.filter(
    ({ images, from }) => Date.parse(from) <= now.getTime() && coversImage(images, image),
  );
}
