/**
 * How every command on a version is accepted: its key is claimed, what is stored and what Azure shows is read, and then it is decided
 * on the very state that it changes.
 */
import { ServiceError, type Finding } from "../../errors.js";
import { acceptOperation, type Decision } from "../../operation/accepting.js";
import { bindKey, claimKey } from "../../operation/idempotency.js";
import type { TransitionContext } from "../../operation/ports.js";
import type { OperationRecord } from "../../operation/records.js";
import { contextOf } from "../../operation/steps.js";
import {
  formatImageVersionId,
  imageIdOf,
  keyOf,
  type ImageVersionId,
} from "../../resource-id.js";
import type {
  Dependencies,
  Objection,
  ResourceManager,
  StoredVersion,
} from "../ports.js";
import {
  admitted,
  heldBackFindings,
  holdingBack,
} from "../preflight/objections.js";
import { lookAt, mustBeGone } from "../queries/look-at.js";
import { notFound } from "../queries/not-found.js";
import { isBusy, type Look } from "../resources.js";
import { accept, type Accepting } from "../state/accepting.js";
import { openDeletionIn } from "../state/deletion.js";
import { isPaused, unapplied } from "../state/fold.js";
import { believed } from "../state/observe.js";
import type {
  ImageVersionPair,
  ImageVersionRecord,
  VersionRequest,
} from "../state/record.js";
import { see } from "../state/see.js";
import { isFinal, isToBeShown } from "../state/states.js";
import { gone, mustMatch, mustNotBeRestored, type Command } from "./command.js";
import { fingerprintOfCommand } from "./same-operation.js";

/** What Azure is taken to have at this moment; `seen`: a look of this moment shows it, and is a fact. */
export interface Glance {
  readonly look: Look | undefined;
  readonly seen: boolean;
}

/**
 * Asks Azure. Where it cannot be asked now, what was seen last stands in, and `seen` is false; throws what the read throws
 * where the request cannot be judged without it.
 */
export async function glance(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  mustSee: boolean,
): Promise<Glance> {
  try {
    const shown = await lookAt(deps, id);
    if (shown !== undefined) deps.looks.keep(id, shown);
    return await glanceBy(deps, id, record, shown);
  } catch (error) {
    if (!(error instanceof ServiceError) || mustSee) throw error;
    return { look: record?.status, seen: false };
  }
}

/** By what Azure has shown now. Throws ServiceError StateConflict, retryable, where it is not certain that the version is gone. */
export async function glanceBy(
  deps: Dependencies,
  id: ImageVersionId,
  record: ImageVersionRecord | undefined,
  shown: Look | undefined,
): Promise<Glance> {
  if (shown === undefined) await mustBeGone(deps, id, record, listIn(deps));
  const { look, isFact } = believed(record, shown, contextOf(deps));
  return { look, seen: isFact };
}

/** What is decided on: what is stored, as the look of the acceptance shows it, and that look. */
export interface Subject extends Glance {
  readonly stored: StoredVersion | undefined;
}

/** What a command asks, where that is not being done already. */
export interface Asks
  extends
    Pick<Accepting, "kind" | "request" | "endsRule" | "softDelete">,
    Partial<Pick<Accepting, "regions">> {
  readonly warnings?: readonly Finding[];
  /** The state that it is accepted on, where that is not the stored one. */
  readonly on?: ImageVersionPair;
}

export type Decided<Answer = never> =
  Decision<ImageVersionRecord, Answer> | { readonly asks: Asks };

/**
 * The operation that the command's key has led to, or what is decided. `prepare` reads what the decision rests on; `decide` is pure:
 * it is asked again where another comes first. Throws what they throw, and ServiceError StateConflict, retryable, while as many are open
 * as can be.
 */
export async function acceptCommand<Answer extends object = never>(
  deps: Dependencies,
  command: Command,
  fingerprint: string,
  prepare: (stored: StoredVersion | undefined) => Promise<{
    readonly glance: Glance;
    readonly decide: (subject: Subject) => Decided<Answer>;
  }>,
): Promise<OperationRecord | Answer> {
  const { id, requestedBy, traceparent, event } = command;
  const resourceId = formatImageVersionId(id);
  const key = keyOf(resourceId);
  const { requestKey, earlier } = await claimKey(
    deps,
    command,
    key,
    fingerprint,
  );
  if (earlier !== undefined) return earlier;
  const read = await deps.store.read(key);
  // What it is judged by is what GET shows next: where a condition is not met, that ETag is the one to send.
  deps.looks.forget(id, imageIdOf(id));
  const { glance, decide } = await prepare(read);
  const { look } = glance;
  const objections = await objectionsTo(deps, id, read, glance, decide);
  const decideOn = (
    present: StoredVersion | undefined,
  ): Decision<ImageVersionRecord, Answer> => {
    const stored = asSeen(present, glance, contextOf(deps));
    const decided = decide({ ...glance, stored });
    if (!("asks" in decided)) return decided;
    if (stored !== undefined) mustHaveRoom(stored);
    const {
      request,
      regions = [],
      on = stored,
      warnings = [],
      ...asks
    } = decided.asks;
    return accept(
      {
        ...asks,
        key,
        resourceId,
        request: { ...holdingBack(request, objections), ...lifeIn(look) },
        ...(look && { look }),
        regions,
        fingerprint,
        requestedBy,
        traceparent,
        ...(requestKey !== undefined && { requestKey }),
        ...(event !== undefined && { event }),
      },
      on,
      contextOf(deps),
      [...warnings, ...heldBackFindings(objections)],
    );
  };
  const answer = await acceptOperation(deps, key, decideOn, { stored: read });
  if ("history" in answer) await bindKey(deps, requestKey, answer);
  return answer;
}

/** What there is against it, by what was read. What is refused for another reason is refused when it is decided. */
async function objectionsTo<Answer>(
  deps: Dependencies,
  id: ImageVersionId,
  read: StoredVersion | undefined,
  glance: Glance,
  decide: (subject: Subject) => Decided<Answer>,
): Promise<readonly Objection[]> {
  const stored = asSeen(read, glance, contextOf(deps));
  let decided: Decided<Answer>;
  try {
    decided = decide({ ...glance, stored });
  } catch (error) {
    if (error instanceof ServiceError) return [];
    throw error;
  }
  if (!("asks" in decided)) return [];
  const { kind, request, on = stored } = decided.asks;
  const isRestore = kind === "RestoreImageVersion";
  return admitted(deps, id, on?.record, glance.look, request, isRestore);
}

type ByHand = Decided | { readonly asks: Omit<Asks, "kind"> };

/**
 * Of a version that is there: none of these creates or adopts it. Where the decision asks something of it, `ask` reads what is worth
 * knowing of that.
 */
export function acceptByHand(
  deps: Dependencies,
  command: Command,
  kind: Accepting["kind"],
  detail: readonly string[],
  decide: (subject: Subject) => ByHand,
  ask: (subject: Subject) => Promise<readonly Finding[]> = () =>
    Promise.resolve([]),
): Promise<OperationRecord> {
  const { id, ifMatch, byMachine } = command;
  const decideOn = (subject: Subject): ByHand => {
    mustNotBeRestored(id, subject.stored);
    mustMatch(command, subject.look, subject.stored?.record);
    if (byMachine !== undefined) mustBeQuiet(id, byMachine, subject);
    return decide(subject);
  };
  return acceptCommand(
    deps,
    command,
    fingerprintOfCommand(kind, ...detail),
    async (read) => {
      const seen = await glance(
        deps,
        id,
        read?.record,
        // That Azure could not be asked does not mean that the version is not there. What is being made can be deleted.
        ifMatch !== undefined ||
          (read?.record.status === undefined &&
            (kind !== "DeleteImageVersion" ||
              (read !== undefined && isFinal(read.record.state)))),
      );
      // A repeat changes nothing, so it asks nothing.
      const first = {
        ...seen,
        stored: asSeen(read, seen, contextOf(deps)),
      };
      const found = "asks" in decideOn(first) ? await ask(first) : [];
      return {
        glance: seen,
        decide: (subject) => {
          const decided = decideOn(subject);
          if (!("asks" in decided)) return decided;
          const { request, warnings = [], ...asks } = decided.asks;
          return {
            asks: {
              ...asks,
              kind,
              request: { ...request, ...(byMachine && { machine: true }) },
              warnings: [...warnings, ...found],
            },
          };
        },
      };
    },
  );
}

/** Throws ServiceError ImageVersionConflict where anything is under way: a machine waits, and never takes over. */
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
  throw new ServiceError(
    "ImageVersionConflict",
    `An operation on ${formatImageVersionId(id)} is under way, or others have changed it: its rule or policy waits.`,
    { fields: { ...(stored && { existingOperationId: stored.operation.id }) } },
  );
}

export function absent(
  { id }: Pick<Command, "id">,
  stored: StoredVersion | undefined,
): ServiceError {
  const record = stored?.record;
  return record !== undefined &&
    !isToBeShown(record) &&
    (record.publishedDate !== undefined || record.state === "Deleted")
    ? gone(id)
    : notFound(id, record);
}

export const listIn =
  ({ resourceManager }: Dependencies) =>
  (imageId: string): ReturnType<ResourceManager["listImageVersions"]> =>
    resourceManager.listImageVersions(imageId);

/** The life of the version that a request is about. */
function lifeIn(look: Look | undefined): Pick<VersionRequest, "life"> {
  const { publishedDate: life } = look ?? {};
  return life === undefined ? {} : { life };
}

/** More than fifty callers of one version are told to come again later: Table Storage writes 100 entities at once. */
const MOST_OPEN = 50;

/** Characters of what is asked: with the version's own, less than an entity's 1 MiB, however little they compress. */
const MOST_LENGTH = 600_000;

/** Throws ServiceError StateConflict, retryable, while as many are open as can be. */
function mustHaveRoom({ record, operation }: StoredVersion): void {
  const { members, requests, state } = record;
  if (
    isFinal(state) ||
    (members.length < MOST_OPEN &&
      JSON.stringify(requests).length <= MOST_LENGTH)
  )
    return;
  throw new ServiceError(
    "StateConflict",
    `${members.length + 1} requests for ${record.resourceId} are open, operation ${operation.id} the first of them: no more can be taken. Send the request again later.`,
    { retryAfterMs: 60_000 },
  );
}

/** What is stored, as the look of the acceptance shows it: what others have changed before a request is told, and contradicts nothing of it. */
function asSeen(
  stored: StoredVersion | undefined,
  { look, seen }: Glance,
  context: TransitionContext,
): StoredVersion | undefined {
  return stored !== undefined &&
    look !== undefined &&
    seen &&
    isFinal(stored.record.state)
    ? { ...stored, ...see(stored, look, context) }
    : stored;
}
