/**
 * Tells a person what to know about an image version. This is the only table of these texts: GET,
 * lists and events return them, and the command line and the page show them. The word is
 * Kubernetes': `kubectl describe` prints conditions in the same way.
 */

/** A command and the equivalent API request. */
interface Way {
  readonly command: string;
  readonly request: string;
}

/**
 * What to do. Placeholders: `{version}` and `{image}` for their paths or options, `{change}` for
 * the options or body to send.
 */
interface Deed extends Partial<Way> {
  readonly request: string;
  /** The label of a button. */
  readonly verb: string;
  readonly whatToDo: string;
  readonly alternative?: Way;
}

interface ConditionText extends Deed {
  /** Without a full stop: the names that it is about may follow. */
  readonly sentence: string;
}

export const CONDITIONS = {
  Revoked: {
    sentence: "The version is revoked",
    verb: "Who uses it",
    whatToDo: "Use another version, and move machines and scale sets to it.",
    command: "sigil image-version use {version}",
    request: "GET {version}/use",
  },
  ParentRevoked: {
    sentence: "A version that it was built from is revoked",
    verb: "See descendants",
    whatToDo: "Build it again on the replacement.",
    command: "sigil image-version descendants {version}",
    request: "GET {version}/descendants",
  },
  Paused: {
    sentence: "Latest was changed outside Sigil, so the version's promotion rule is paused",
    verb: "Review and promote",
    whatToDo: "Promote the version, or demote it.",
    command: "sigil image-version promote {version}",
    request: "POST {version}/promote",
  },
  ChangedOutside: {
    sentence: "The version was changed outside Sigil",
    verb: "Put back",
    whatToDo: "To undo the change, set the earlier values. To keep it, set the present ones.",
    command: "sigil image-version update {version}{change}",
    request: "PATCH {version}{change}",
  },
  RegionLost: {
    sentence: "Regions of the version were removed outside Sigil",
    verb: "Put back",
    whatToDo: "To restore a region, add it with its keys.",
    command: "sigil image-version update {version}{change}",
    request: "PATCH {version}{change}",
  },
  RegionFailed: {
    sentence: "Azure could not copy the version to these regions",
    verb: "Retry",
    whatToDo: "If the cause is yours, such as a quota, fix it. Then retry the regions.",
    command: "sigil image-version retry {version}{change}",
    request: "POST {version}/retry{change}",
  },
  Stalled: {
    sentence: "Azure is not making progress with the version",
    verb: "Open",
    whatToDo: "Wait. After a day, contact Azure support, or cancel the operation.",
    command: "sigil image-version watch {version}",
    request: "GET {version}",
  },
  KeyAtRisk: {
    sentence: "A key of the version does not work, or soon will not",
    verb: "Open keys",
    whatToDo: "Fix the key as `sigil.keys` describes.",
    command: "sigil image-version show {version} --query sigil.keys",
    request: "GET {version}",
  },
  GateClosed: {
    sentence: "A gate or a freeze of its image definition keeps the version out of latest",
    verb: "Approve",
    whatToDo:
      "Report passing tests, wait until the freeze has ended, or get it approved with a reason. Then promote it.",
    command: "sigil image-version approve {version}{change}",
    request: "POST {version}/approve{change}",
  },
  Canceling: {
    sentence: "An operation is being canceled, and ends once Azure finishes",
    verb: "Open",
    whatToDo: "Wait. Azure cannot cancel an accepted request.",
    command: "sigil image-version watch {version}",
    request: "GET {version}",
  },
  NeedsAttention: {
    sentence: "The version waits for a person",
    verb: "Review and promote",
    whatToDo: "Fix the cause, promote the version, or demote it.",
    command: "sigil image-version promote {version}",
    request: "POST {version}/promote",
  },
} as const satisfies Readonly<Record<string, ConditionText>>;

export type ConditionType = keyof typeof CONDITIONS;

/** What to do by a condition's reason, and in other cases that need a person. */
const DEEDS = {
  Halted: {
    verb: "See results",
    whatToDo: "See what the test found. If the version is bad, demote it.",
    command: "sigil test-result list {version}",
    request: "GET {version}/test-results",
    alternative: {
      command: "sigil image-version demote {version}",
      request: "POST {version}/demote",
    },
  },
  WaitsForGo: {
    verb: "Promote",
    whatToDo: "Promote the version into its next regions.",
    command: "sigil image-version promote {version}",
    request: "POST {version}/promote",
  },
  LooksDisagree: {
    verb: "Open",
    whatToDo: "Find out what changes it again and again, such as a policy or another tool.",
    command: "sigil image-version show {version}",
    request: "GET {version}",
  },
  RegionKeepsLatest: {
    verb: "Promote another",
    whatToDo: "Promote another version that is ready there, or take this one out of latest.",
    command: "sigil image-version list {image}",
    request: "GET {image}/versions",
    alternative: {
      command: "sigil image-version demote {version} --allow-no-latest",
      request: "POST {version}/demote?allowNoLatest=true",
    },
  },
  OperationFailed: {
    verb: "See why",
    whatToDo: "Fix the cause, then send the request again.",
    command: "sigil operation show {change}",
    request: "GET /api/operations/{change}",
  },
  AzureIsUpdating: {
    verb: "New version",
    whatToDo: "For another latest before that, publish a higher version number from a good source.",
    command: "sigil image-version create {image} --increment patch --file version.json",
    request: "POST {image}/versions?increment=patch",
  },
  OwnLocation: {
    verb: "New version",
    whatToDo: "Publish another version: the location of this one cannot be retried.",
    request: "POST {image}/versions",
  },
  NotCreated: {
    verb: "New version",
    whatToDo: "Fix the cause, then create the version again.",
    request: "PUT {version}",
  },
  OperationStalled: {
    verb: "Open",
    whatToDo: "See what it waits for. Fix that, or cancel the operation.",
    command: "sigil operation show {change}",
    request: "GET /api/operations/{change}",
  },
  MessageRejected: {
    verb: "Correct it",
    whatToDo: "Correct the message, or send it again.",
    command: "sigil rejected list",
    request: "GET /api/rejected-requests",
  },
} as const satisfies Readonly<Record<string, Deed>>;

type DeedName = ConditionType | keyof typeof DEEDS;

interface WhatToDo {
  readonly verb: string;
  readonly sentence: string;
  /** For a POSIX shell; absent: the command line cannot do it. */
  readonly command?: string;
  /** Method, path and, if needed, body of an API call. */
  readonly request: string;
  readonly alternative?: Way;
}

/**
 * The change that a person sends: the options of the command, if it has them, and the query and
 * body of the request.
 */
export interface Change {
  readonly options?: string;
  readonly request: string;
  /** Replaces the table's verb. */
  readonly verb?: string;
}

/** The message of such a condition; `names`: what it is about. */
export function conditionMessage(type: ConditionType, names: readonly string[] = []): string {
  const { sentence } = CONDITIONS[type];
  return names.length === 0 ? `${sentence}.` : `${sentence}: ${names.join(", ")}.`;
}

/**
 * What to do about a condition of the version `resourceId`. `reason`: the condition's, if it has
 * one.
 */
export function whatToDo(
  type: DeedName,
  resourceId: string,
  change: Change = { options: "", request: "" },
  reason: string = type,
): WhatToDo {
  const deeds: Readonly<Record<string, Deed>> = DEEDS;
  const deed: Deed = deeds[reason] ?? deeds[type] ?? CONDITIONS[type as ConditionType];
  const imageId = resourceId.replace(/\/versions\/[^/]*$/u, "");
  const fill = (text: string, placeOf: (id: string) => string, asked: string): string =>
    text
      .replace("{version}", () => placeOf(resourceId))
      .replace("{image}", () => placeOf(imageId))
      .replace("{change}", () => asked);
  const { options = "", request } = change;
  const command = (text: string): string => fill(text, placeOptions, options);
  const call = (text: string): string => fill(text, (id) => `/api${id}`, request);
  const { alternative } = deed;
  return {
    verb: change.verb ?? deed.verb,
    sentence: deed.whatToDo,
    ...(change.options !== undefined &&
      deed.command !== undefined && { command: command(deed.command) }),
    request: call(deed.request),
    ...(alternative && {
      alternative: { command: command(alternative.command), request: call(alternative.request) },
    }),
  };
}

/** The options that name a version or an image definition, as in az. */
function placeOptions(resourceId: string): string {
  const [, , subscription, , group, , , , gallery, , image, , version] = resourceId.split("/");
  const place = `--subscription ${subscription} -g ${group} -r ${gallery} -i ${image}`;
  return version === undefined ? place : `${place} -e ${version}`;
}
