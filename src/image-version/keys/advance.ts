/**
 * What is known of a disk encryption set after another look. Pure. Invariants:
 *  1. A problem stays until that by which it was seen is seen without it: what cannot be looked at mends nothing. What was wrong
 *     with a key is not wrong with another that the set has since.
 *     A set that is not found is gone at the second look, `CONFIRM_MS` after the first or later: until then it is not seen.
 *  2. Each change of what is wrong is told once: when it is other than what was told last.
 */
import type { DiskEncryptionSet } from "../resources.js";
import { SET_NOT_FOUND, type Judged } from "./judge.js";
import type { KeyProblem, KeyState } from "./ports.js";

export type KeyChange = "atRisk" | "safe";

export interface Advanced {
  readonly state: KeyState;
  /** What is to be told; absent where nothing is. */
  readonly change?: KeyChange;
}

/** A replica of Azure Resource Manager that is behind has caught up by then. */
const CONFIRM_MS = 120_000;

export function advanceKeys(
  known: KeyState | undefined,
  diskEncryptionSetId: string,
  shown: DiskEncryptionSet | undefined,
  judged: Judged,
  now: Date,
): Advanced {
  const before: Before = known ?? {};
  const lookedTime = now.toISOString();
  const missingSince = isMissing(judged) // Invariant 1.
    ? (before.missingSince ?? lookedTime)
    : undefined;
  const seen = isDoubted(before, missingSince, now) ? notFoundOnce(diskEncryptionSetId) : judged;
  const problems = [...seen.problems, ...kept(before, seen, shown)];
  const { keyUrl, encryptionType } = { ...before, ...shown };
  const expiresTime =
    seen.expiresTime ??
    (!seen.seen.key && isSameKey(before, shown) ? before.expiresTime : undefined);
  const [told, changed] = toldOf(before, seen, problems, keyUrl);
  const state: KeyState = {
    diskEncryptionSetId,
    lookedTime,
    ...(keyUrl !== undefined && { keyUrl }),
    ...(expiresTime !== undefined && { expiresTime }),
    ...(encryptionType !== undefined && { encryptionType }),
    problems,
    notSeen: seen.notSeen,
    ...(missingSince !== undefined && { missingSince }),
    ...(told !== undefined && {
      since: before.since ?? lookedTime,
      told,
      ...(isOfKey(before, seen, problems) && { toldOfKey: true as const }),
    }),
    sequence: (before.sequence ?? 0) + (changed ? 1 : 0),
  };
  return {
    state,
    ...(changed && { change: problems.length === 0 ? "safe" : "atRisk" }),
  };
}

type Before = Partial<KeyState>;

/** Invariant 1. */
function isDoubted(
  { problems = [] }: Before,
  missingSince: string | undefined,
  now: Date,
): boolean {
  return (
    missingSince !== undefined &&
    !isMissing({ problems }) &&
    now.getTime() - Date.parse(missingSince) < CONFIRM_MS
  );
}

/** Invariant 1. */
function kept(
  before: Before,
  { problems, seen }: Judged,
  shown: DiskEncryptionSet | undefined,
): readonly KeyProblem[] {
  return (before.problems ?? []).filter(
    ({ seenBy, code }) =>
      !seen[seenBy] &&
      !problems.some((one) => one.code === code) &&
      (seenBy !== "key" || isSameKey(before, shown)),
  );
}

function isSameKey(before: Before, shown: DiskEncryptionSet | undefined): boolean {
  return shown === undefined || shown.keyUrl === before.keyUrl;
}

/** Invariants 1 and 2: whether another key than the one that was told of is safe is known once that is seen. */
function toldOf(
  before: Before,
  { seen }: Judged,
  problems: readonly KeyProblem[],
  keyUrl: string | undefined,
): readonly [told: string | undefined, changed: boolean] {
  const fact = problems.length === 0 ? undefined : factOf(problems, keyUrl);
  const isUnseen = fact === undefined && before.toldOfKey === true && !seen.key;
  const told = isUnseen ? before.told : fact;
  return [told, told !== before.told];
}

function isOfKey(before: Before, { seen }: Judged, problems: readonly KeyProblem[]): boolean {
  return (
    problems.some(({ seenBy }) => seenBy === "key") || (before.toldOfKey === true && !seen.key)
  );
}

function isMissing({ problems }: Pick<KeyState, "problems">): boolean {
  return problems.some(({ code }) => code === SET_NOT_FOUND);
}

function notFoundOnce(id: string): Judged {
  return {
    problems: [],
    notSeen: [
      {
        code: SET_NOT_FOUND,
        message: `${id} was not found. The next look decides whether it is gone.`,
      },
    ],
    seen: { set: false, key: false },
  };
}

/** Not its words, which say a time or what Azure said. */
function factOf(problems: readonly KeyProblem[], keyUrl: string | undefined): string {
  return [
    ...problems.map(({ code }) => code).sort(),
    ...(problems.some(({ seenBy }) => seenBy === "key") ? [keyUrl] : []),
  ].join(" ");
}
