/**
 * The known state of a disk encryption set after another look. Pure. Invariants:
 *  1. A problem stays until whatever showed it (set or key) is seen without it: a look that fails
 *     fixes nothing. A problem of a key does not pass to the set's next key. A set that is not
 *     found is gone at the second look, at least `CONFIRM_MS` after the first; until then it counts
 *     as not seen.
 *  2. Each change of the problems is reported once, if it differs from the last report.
 */
import type { KeyProblem, KeyState, DiskEncryptionSet } from "./ports.js";
import { SET_NOT_FOUND, type Judged } from "./judge.js";

export type KeyChange = "atRisk" | "safe";

export interface Advanced {
  readonly state: KeyState;
  /** The change to report; absent: none. */
  readonly change?: KeyChange;
}

/** A lagging replica of Azure Resource Manager has caught up by then. */
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

/** Invariants 1 and 2: whether a new key is safe is known only once that key is seen. */
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

/** Without the messages, which contain times and Azure's words. */
function factOf(problems: readonly KeyProblem[], keyUrl: string | undefined): string {
  return [
    ...problems.map(({ code }) => code).sort(),
    ...(problems.some(({ seenBy }) => seenBy === "key") ? [keyUrl] : []),
  ].join(" ");
}
