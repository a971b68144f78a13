/**
 * How every command on a version is accepted: its key is claimed, the stored state and Azure's are
 * read, and the decision is made on exactly the state that it changes.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { omit } from "../../objects.js";
import { acceptOperation, type Decision } from "../../operation/accepting.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import { formatImageVersionId, imageIdOf, keyOf, type ImageVersionId } from "../../resource-id.js";
import type { Dependencies, StoredVersion } from "../ports.js";
import { mustKeepLatest, sparedBy, takingOf } from "../preflight/latest.js";
import { admitted, heldBackFindings, holdingBack } from "../preflight/objections.js";
import { mustNotBeNeeded } from "../preflight/use.js";
import { removedBy } from "../properties/fields.js";
import { listOf, lookAt, mustBeGone } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import { latestRegions } from "../queries/use.js";
import { isBusy, type Look } from "../resources.js";
import type { Accepting } from "../state/accepting.js";
import { openDeletionIn } from "../state/deletion.js";
import { isPaused, unapplied } from "../state/fold.js";
import { isUnseenBy } from "../state/held.js";
import { believed } from "../state/observe.js";
import type { ImageVersionPair, ImageVersionRecord, VersionRequest } from "../state/record.js";
import { isFinal, isToBeShown } from "../state/states.js";
import { accept } from "../telling/accept.js";
import { see } from "../telling/tell.js";
import { conflict, versionGone, mustMatch, mustNotBeRestored, type Command } from "./command.js";
import { originOf, rehearsed } from "./rehearsal.js";
import { fingerprintOfCommand } from "./same-operation.js";

/** What Azure probably has now. `seen`: a look taken now is confirmed. */
export interface Glance {
  readonly look: Look | undefined;
  readonly seen: boolean;
}

/**
 * Asks Azure. If Azure cannot be asked now, the last look stands in, and `seen` is false; throws
 * what the read throws if the request cannot be judged without it.
 */
export async function glance(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  mustSee: boolean,
): Promise<Glance> {
  try {
    const shown = await lookAt(deps, id);
    if (shown === undefined) await mustBeGone(deps, id, record, listOf(deps));
    const { look, isFact } = believed(record, shown, contextOf(deps));
    return { look, seen: isFact };
  } catch (error) {
    if (!(error instanceof ServiceError) || mustSee) throw error;
    return { look: record?.status, seen: false };
  }
}

/** The stored state, updated by the look of the acceptance, and that look. */
export interface Subject extends Glance {
  readonly stored: StoredVersion | undefined;
}

/** What a command changes, if no operation is doing that already. */
export interface Asks
  extends
    Pick<Accepting, "kind" | "request" | "endsRule" | "detail">,
    Partial<Pick<Accepting, "regions">> {
  readonly warnings?: readonly Finding[];
  /** Absent: the stored state. */
  readonly on?: ImageVersionPair;
  /**
   * Regions that would lose their latest; absent: the request is refused. `spared`: they keep it.
   * `planned`: a plan allowed it before.
   */
  readonly losses?: "spared" | "planned";
}

export type Decided<Answer = never> =
  Decision<ImageVersionRecord, Answer> | { readonly asks: Asks };

/** How a command is decided, once everything that the decision needs is read. */
interface Deciding<Answer> {
  readonly glance: Glance;
  /**
   * Pure, because it runs again if another request is stored first. `spared`: canonical regions
   * that would have no latest.
   */
  readonly decide: (subject: Subject, spared: readonly string[]) => Decided<Answer>;
  /** Further warnings; a repeat asks for none. Throws if one forbids the request. */
  readonly ask?: ((subject: Subject) => Promise<readonly Finding[]>) | undefined;
}

/**
 * Returns the operation that the command's key led to, or the decision. `prepare` reads what the
 * decision rests on. Throws what its functions throw, and ServiceError StateConflict, retryable,
 * while the most possible operations are open.
 */
export async function acceptCommand<Answer extends object = never>(
  deps: Dependencies,
  command: Command,
  fingerprint: string,
  prepare: (stored: StoredVersion | undefined) => Promise<Deciding<Answer>>,
): Promise<OperationRecord | Answer> {
  const { id, byMachine } = command;
  const resourceId = formatImageVersionId(id);
  const key = keyOf(resourceId);
  const { requestKey, earlier } = await claimKey(deps, command, key, fingerprint);
  if (earlier !== undefined) return earlier;
  const read = await deps.store.read(key);
  // GET shows next what this request is judged by: if a condition is not met, the client sends that
  // ETag.
  deps.looks.forget(id, imageIdOf(id));
  const deciding = await prepare(read);
  const { glance, decide } = deciding;
  const { look } = glance;
  const found = await foundOf(deps, command, read, deciding);
  const decideOn = (present: StoredVersion | undefined): Decision<ImageVersionRecord, Answer> => {
    const subject = subjectOf(present, glance, contextOf(deps));
    const { stored } = subject;
    const decided = decide(subject, found?.spared ?? []);
    if (!("asks" in decided)) return decided;
    if (found === undefined)
      throw new ServiceError(
        "StateConflict",
        "The version changed while Sigil checked the request. Send it again.",
        { retryAfterMs: 1_000 },
      );
    if (stored !== undefined) mustHaveRoom(stored);
    const {
      request,
      regions = [],
      on = foundation(decided.asks, command, present, subject),
      warnings = [],
      ...asks
    } = omit(decided.asks, "losses");
    return accept(
      {
        ...asks,
        key,
        resourceId,
        request: {
          ...holdingBack(request, found.objections),
          ...(look?.publishedDate && { life: look.publishedDate }),
          ...(byMachine && { machine: true }),
        },
        ...(look && { look }),
        regions,
        fingerprint,
        ...originOf(command, requestKey),
      },
      on,
      contextOf(deps),
      [...warnings, ...found.warnings],
    );
  };
  if (command.rehearsal !== undefined) return rehearsed(decideOn(read));
  const answer = await acceptOperation(deps, key, decideOn, { stored: read });
  if ("history" in answer) await bindKey(deps, requestKey, answer);
  return answer;
}

/**
 * The state to accept on. Others' changes are reported on acceptance, or by the step that decides
 * which regions they hold back.
 */
function foundation(
  { request }: Asks,
  { byMachine }: Command,
  present: StoredVersion | undefined,
  { look, stored }: Subject,
): StoredVersion | undefined {
  return look && present && byMachine === undefined && isUnseenBy(request, present.record, look)
    ? present
    : stored;
}

/** The findings about a request. */
type Found = Awaited<ReturnType<typeof questioned>>;

/**
 * Undefined if nothing is asked of the state as read; `decide` throws refusals. Throws findings.
 */
async function foundOf<Answer>(
  deps: Dependencies,
  command: Command,
  read: StoredVersion | undefined,
  { glance, decide, ask }: Deciding<Answer>,
): Promise<Found | undefined> {
  const subject = subjectOf(read, glance, contextOf(deps));
  let decided: Decided<Answer>;
  try {
    decided = decide(subject, []);
  } catch (error) {
    if (error instanceof ServiceError) return undefined;
    throw error;
  }
  return "asks" in decided ? questioned(deps, command, subject, decided.asks, ask) : undefined;
}

async function questioned(
  deps: Dependencies,
  { id, byMachine, rehearsal }: Command,
  subject: Subject,
  asks: Asks,
  ask: Deciding<never>["ask"],
) {
  const { look, stored } = subject;
  const { kind, request, losses, on = stored } = asks;
  const leaving = rehearsal?.leaving;
  const taking = look && { ...takingOf(id, look, stored?.record, request), leaving };
  const isRestore = kind === "RestoreImageVersion";
  const spared = taking && losses === "spared" ? await sparedBy(deps, taking) : [];
  const warnings = [
    ...(taking && losses === undefined ? await mustKeepLatest(deps, taking, request) : []),
    ...(look && request.guarded && !byMachine ? await mustNotBeMissed(deps, id, request) : []),
    ...((await ask?.(subject)) ?? []),
  ];
  const objections = await admitted(deps, id, on?.record, look, request, isRestore);
  return {
    warnings: [...warnings, ...heldBackFindings(objections)],
    spared,
    objections,
  };
}

/** Throws if the version, or regions that the request removes, are needed. */
export async function mustNotBeMissed(
  deps: Dependencies,
  id: ImageVersionId,
  { deletion, patch }: VersionRequest,
): Promise<readonly Finding[]> {
  return mustNotBeNeeded(deps, {
    id,
    latestIn: await latestRegions(deps, id),
    ...(deletion
      ? { pointer: "" }
      : { pointer: "/query/removeRegions", regions: removedBy(patch) }),
  });
}

/** A command on an existing version: none of these creates or adopts one. */
export interface ByHand extends Pick<Deciding<never>, "ask"> {
  readonly kind: Accepting["kind"];
  /** What else distinguishes one command from another. */
  readonly detail: readonly string[];
  readonly decide: (
    ...by: Parameters<Deciding<never>["decide"]>
  ) => OperationRecord | { readonly asks: Asks };
}

export function acceptByHand(
  deps: Dependencies,
  command: Command,
  { kind, detail, decide, ask }: ByHand,
): Promise<OperationRecord> {
  const { id, ifMatch, byMachine } = command;
  return acceptCommand(deps, command, fingerprintOfCommand(kind, ...detail), async (read) => {
    // A failed read does not mean that the version is gone. A version that is being created can be
    // deleted.
    const mustSee =
      ifMatch !== undefined ||
      (read?.record.status === undefined &&
        (kind !== "DeleteImageVersion" || (read !== undefined && isFinal(read.record.state))));
    return {
      glance: await glance(deps, id, read?.record, mustSee),
      decide: (subject, spared) => {
        mustNotBeRestored(id, subject.stored);
        mustMatch(command, subject.look, subject.stored?.record);
        if (byMachine !== undefined) mustBeQuiet(id, byMachine, subject);
        return decide(subject, spared);
      },
      ask,
    };
  });
}

/**
 * Throws ServiceError ImageVersionConflict if anything else is in progress: automation waits, and
 * never takes over.
 */
function mustBeQuiet(
  id: ImageVersionId,
  { publishedDate }: NonNullable<Command["byMachine"]>,
  { look, seen, stored }: Subject,
): void {
  const { record } = stored ?? {};
  if (
    record !== undefined &&
    seen &&
    look?.publishedDate === publishedDate &&
    unapplied(record).length === 0 &&
    openDeletionIn(record) === undefined &&
    record.write === undefined &&
    record.unconfirmed === undefined &&
    !isPaused(record) &&
    !isBusy(look)
  )
    return;
  throw conflict(
    `An operation on ${formatImageVersionId(id)} is running, or it was changed outside Sigil: its rule or policy waits.`,
    stored?.operation.id,
  );
}

/**
 * What Azure shows; throws ServiceError ImageVersionGone, NotFound or ImageVersionConflict if it
 * has no such version.
 */
export function mustBeShown(id: ImageVersionId, { look, stored }: Subject): Look {
  if (look !== undefined) return look;
  const record = stored?.record;
  throw record !== undefined &&
    !isToBeShown(record) &&
    (record.publishedDate !== undefined || record.state === "Deleted")
    ? versionGone(id)
    : notFound(id, record);
}

/**
 * More than fifty requests for one version must wait: Table Storage writes at most 100 entities at
 * once.
 */
const MOST_OPEN = 50;

/**
 * Characters of all requests: with the version's own, less than an entity's 1 MiB, however little
 * they compress.
 */
const MOST_LENGTH = 600_000;

/** Throws ServiceError StateConflict, retryable, while there is no room for another. */
function mustHaveRoom({ record, operation }: StoredVersion): void {
  const { members, requests } = record;
  if (members.length < MOST_OPEN && JSON.stringify(requests).length <= MOST_LENGTH) return;
  throw new ServiceError(
    "StateConflict",
    `${members.length + 1} requests for ${record.resourceId} are open, the first as operation ${operation.id}, which is the limit. Send the request again later.`,
    { retryAfterMs: 60_000 },
  );
}

/**
 * The look of the acceptance reports what others changed before, so that it contradicts nothing in
 * the request.
 */
export function subjectOf(
  stored: StoredVersion | undefined,
  glance: Glance,
  context: TransitionContext,
): Subject {
  const { look, seen } = glance;
  const isTold = look !== undefined && seen;
  return stored !== undefined && isTold && isFinal(stored.record.state)
    ? { ...glance, stored: { ...stored, ...see(stored, look, context) } }
    : { ...glance, stored };
}
