/**
 * What a person should know of an image version: the one table of these texts. GET, lists and events answer them; the command line
 * and the page show what is answered. Kubernetes' word: `kubectl describe` prints conditions in the same way.
 */

/** What a condition says, and what to do. `{version}` stands for where the version is, `{change}` for what is to be sent. */
interface ConditionText {
  /** Without the full stop: what it is about may follow. */
  readonly sentence: string;
  readonly whatToDo: string;
  readonly command: string;
  readonly request: string;
}

export const CONDITIONS = {
  Revoked: {
    sentence: "The version was taken back",
    whatToDo: "Use another version, and move machines and scale sets to it.",
    command: "sigil image-version use {version}",
    request: "GET {version}/use",
  },
  Paused: {
    sentence: "Latest was changed outside Sigil, so the version's promotion rule is paused",
    whatToDo: "Promote the version, or demote it.",
    command: "sigil image-version promote {version}",
    request: "POST {version}/promote",
  },
  ChangedOutside: {
    sentence: "The version was changed outside Sigil",
    whatToDo: "To undo the change, set the earlier values. To keep it, set the present ones.",
    command: "sigil image-version update {version}{change}",
    request: "PATCH {version}{change}",
  },
  RegionLost: {
    sentence: "Regions of the version were removed outside Sigil",
    whatToDo: "To restore a region, add it with its keys.",
    command: "sigil image-version update {version}{change}",
    request: "PATCH {version}{change}",
  },
  RegionFailed: {
    sentence: "Azure could not copy the version to these regions",
    whatToDo: "If the cause is yours, such as a quota, fix it. Then retry the regions.",
    command: "sigil image-version retry {version}{change}",
    request: "POST {version}/retry{change}",
  },
  Stalled: {
    sentence: "Azure is not making progress with the version",
    whatToDo: "Wait. After a day, contact Azure support, or cancel the operation.",
    command: "sigil image-version watch {version}",
    request: "GET {version}",
  },
  KeyAtRisk: {
    sentence: "A key of the version does not work, or soon will not",
    whatToDo: "Fix the key as `sigil.keys` describes.",
    command: "sigil image-version show {version} --query sigil.keys",
    request: "GET {version}",
  },
  GateClosed: {
    sentence: "The version has not passed its image definition's gate",
    whatToDo: "Report passing tests, or get it approved with a reason. Then promote it.",
    command: "sigil image-version approve {version}{change}",
    request: "POST {version}/approve{change}",
  },
  Canceling: {
    sentence: "An operation is being canceled, and ends once Azure finishes",
    whatToDo: "Wait. Azure cannot cancel an accepted request.",
    command: "sigil image-version watch {version}",
    request: "GET {version}",
  },
  NeedsAttention: {
    sentence: "The version waits for a person",
    whatToDo: "Fix the cause, promote the version, or demote it.",
    command: "sigil image-version promote {version}",
    request: "POST {version}/promote",
  },
} as const satisfies Readonly<Record<string, ConditionText>>;

export type ConditionType = keyof typeof CONDITIONS;

interface WhatToDo {
  readonly sentence: string;
  /** For a shell; absent where the command line cannot say it. */
  readonly command?: string;
  /** Method, path and, where it has one, body of an API call. */
  readonly request: string;
}

/** What a person sends: the options of the command, where it has some that say it, and the query and body of the request. */
export interface Change {
  readonly options?: string;
  readonly request: string;
}

/** Such a condition in words; `names`: what it is about. */
export function conditionMessage(type: ConditionType, names: readonly string[] = []): string {
  const { sentence } = CONDITIONS[type];
  return names.length === 0 ? `${sentence}.` : `${sentence}: ${names.join(", ")}.`;
}

/** `resourceId`: the version's. */
export function whatToDo(
  type: ConditionType,
  resourceId: string,
  change: Change = { options: "", request: "" },
): WhatToDo {
  const { whatToDo: sentence, command, request } = CONDITIONS[type];
  const fill = (text: string, version: string, asked: string): string =>
    text.replace("{version}", () => version).replace("{change}", () => asked);
  return {
    sentence,
    ...(change.options !== undefined && {
      command: fill(command, placeOptions(resourceId), change.options),
    }),
    request: fill(request, `/api${resourceId}`, change.request),
  };
}

/** The options that name a version, as az has them. */
function placeOptions(resourceId: string): string {
  const [, , subscription, , group, , , , gallery, , image, , version] = resourceId.split("/");
  return `--subscription ${subscription} -g ${group} -r ${gallery} -i ${image} -e ${version}`;
}
