/**
 * Events about keys. Their ids come from the image definition, the set and the number of reports,
 * so they may be sent twice.
 */
import { whatToDo } from "../conditions/conditions.js";
import type { CloudEvent } from "../events/cloud-event.js";
import type { EventData, EventType } from "../events/documented-event.js";
import { IMAGE_VERSION_EVENT } from "../events/image-version-events.js";
import { keyedEvent } from "../events/operation-event.js";
import type { KeyState } from "../keys/ports.js";
import type { KeyChange } from "../keys/advance.js";
import { omit } from "../objects.js";

/** A version that uses the set, and the regions where it does. */
export interface SetUse {
  readonly name: string;
  /** Canonical. */
  readonly regions: readonly string[];
}

/** How many versions an event names, highest numbers first. */
const MOST_VERSIONS = 50;

interface Telling {
  readonly imageId: string;
  readonly state: KeyState;
  readonly uses: readonly SetUse[];
  readonly eventSource: string;
  readonly traceparent: string;
}

export function eventOf(change: KeyChange, telling: Telling): CloudEvent {
  const { imageId, state, uses } = telling;
  const [use] = uses;
  const { diskEncryptionSetId, keyUrl, problems, notSeen, since } = state;
  const common = {
    diskEncryptionSetId,
    ...(keyUrl !== undefined && { keyUrl }),
    notSeen: [...notSeen],
    versions: uses
      .slice(0, MOST_VERSIONS)
      .map(({ name, regions }) => ({ name, regions: [...regions] })),
    versionCount: uses.length,
  };
  return change === "atRisk"
    ? event(telling, IMAGE_VERSION_EVENT.keyAtRisk, "key-at-risk", {
        ...common,
        since: since ?? state.lookedTime,
        problems: problems.map((problem) => ({
          ...omit(problem, "seenBy"),
          breaks: [...problem.breaks],
        })),
        ...(use && {
          whatToDo: whatToDo("KeyAtRisk", `${imageId}/versions/${use.name}`),
        }),
      })
    : event(telling, IMAGE_VERSION_EVENT.keySafe, "key-safe", common);
}

function event<Type extends EventType>(
  { imageId, state, eventSource, traceparent }: Telling,
  type: Type,
  prefix: string,
  data: EventData<Type>,
): CloudEvent {
  const { diskEncryptionSetId, sequence, lookedTime } = state;
  const eventKey = [
    imageId.toLowerCase(),
    diskEncryptionSetId.toLowerCase(),
    sequence,
    lookedTime, // A set that comes back starts a new count.
  ];
  return keyedEvent(
    { source: eventSource, subject: imageId, time: lookedTime, traceparent },
    type,
    prefix,
    eventKey,
    data,
  );
}
