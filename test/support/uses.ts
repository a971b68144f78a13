/** What Sigil asks of Azure, recorded by the stand-ins, and what its identity is granted (infra/). */
import { actionOf } from "@sigil-local/arm-simulator/parts/authorization";
import type { LoggedRequest } from "@sigil-local/arm-simulator/parts/request-log";
import type { Use } from "@sigil-local/service-bus-emulator";
import permissions from "../../infra/permissions.json" with { type: "json" };

/** The user agent of what a test sends and receives itself. */
export const TEST_USER_AGENT = "sigil-test";

type Part = keyof typeof permissions;

/** By entity: what the roles in infra/modules/service-bus.bicep give, but for the scale controller's. */
export const SERVICE_BUS_RIGHTS: Readonly<Record<string, readonly Use["right"][]>> = {
  "image-version-requests": ["Listen", "Send"],
  "image-version-requests-rejected": ["Listen", "Send"],
  "image-version-creations": ["Listen", "Send"],
  "image-version-replications": ["Listen", "Send"],
  "subscription-preparations": ["Listen", "Send"],
  "machine-tests": ["Listen", "Send"],
  "image-version-events": ["Send"],
};

/** What Sigil uses of Storage Table Data Contributor. It may list tables, too, which tests do: no role has less. */
export const TABLE_ACTIONS = [
  "tables/write",
  "tables/entities/read",
  "tables/entities/write",
  "tables/entities/delete",
] as const;

/** Actions of Azure Resource Manager that Sigil calls by itself, and where each is granted. */
export const ARM_ACTIONS: ReadonlyMap<string, ReadonlySet<Part>> = (() => {
  const parts = new Map<string, Set<Part>>();
  for (const [part, listed] of Object.entries(permissions))
    for (const { action, asked } of listed)
      if (asked === "called") parts.set(action, (parts.get(action) ?? new Set()).add(part as Part));
  return parts;
})();

/** The wildcard that has an action which is not listed by its own name; else the action. */
function listedAs(action: string): string {
  const wildcard = [...ARM_ACTIONS.keys()].find((one) => {
    const [start = "", end] = one.split("*");
    return end !== undefined && action.startsWith(start) && action.endsWith(end);
  });
  return ARM_ACTIONS.has(action) ? action : (wildcard ?? action);
}

/** What one stack of stand-ins was asked for. */
export class Uses {
  readonly #found = new Set<string>();
  readonly #waiting = new Map<string, () => void>();

  /** Sorted; a line each, such as `image-version-events Send`. */
  get all(): readonly string[] {
    return [...this.#found].sort();
  }

  /** Resolves once the use is recorded; one waits for each. */
  async recorded(use: string): Promise<void> {
    if (!this.#found.has(use))
      await new Promise<void>((resolve) => this.#waiting.set(use, resolve));
  }

  #add(use: string): void {
    this.#found.add(use);
    this.#waiting.get(use)?.();
  }

  serviceBus({ path, right, userAgent = "" }: Use): void {
    if (userAgent.includes(TEST_USER_AGENT)) return;
    this.#add(`${path.replace(/\/\$.*$/u, "")} ${right}`);
  }

  table(method: string, url: string): void {
    this.#add(tableAction(method, url));
  }

  resourceManager(requests: readonly LoggedRequest[]): void {
    for (const { method, path } of requests) {
      const asked = actionOf(method, path);
      if (asked === undefined) continue;
      const where = /\/resourceGroups\//iu.test(asked.scope)
        ? "a resource group"
        : "the subscription";
      this.#add(`${listedAs(asked.action)} in ${where}`);
    }
  }

  /** Those that nothing in infra/ grants. */
  get notGranted(): readonly string[] {
    const granted = new Set(grantedUses());
    return this.all.filter((use) => !granted.has(use));
  }
}

/** Every use that infra/ grants: in a resource group, too, what is granted in the subscription as a whole. */
export function grantedUses(): readonly string[] {
  return [
    ...Object.entries(SERVICE_BUS_RIGHTS).flatMap(([entity, rights]) =>
      rights.map((right) => `${entity} ${right}`),
    ),
    ...TABLE_ACTIONS,
    "tables/read",
    ...[...ARM_ACTIONS].flatMap(([action, parts]) => [
      `${action} in a resource group`,
      ...(["subscription", "preparation", "consumers", "testProfiles"].some((part) =>
        parts.has(part as Part),
      )
        ? [`${action} in the subscription`]
        : []),
    ]),
  ];
}

function tableAction(method: string, url: string): string {
  const path = url.split("?")[0] ?? "";
  if (/\/Tables(?:\(|$)/u.test(path)) return method === "POST" ? "tables/write" : "tables/read";
  switch (method) {
    case "GET":
      return "tables/entities/read";
    case "DELETE":
      return "tables/entities/delete";
    // A transaction, an insert, a merge, a replacement.
    default:
      return "tables/entities/write";
  }
}
