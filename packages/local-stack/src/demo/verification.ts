import type { SimulatorControl } from "@sigil-local/arm-simulator/control";
import type { ExpectedVersion } from "./expected-events.js";
import { versionId } from "./requests.js";
import type { Outcome } from "./summary.js";

/**
 * The differences between what the API and Azure Resource Manager show and what was expected;
 * empty: none.
 */
export function differences(
  expected: readonly (ExpectedVersion & { readonly request: Request })[],
  outcomes: readonly Outcome[],
  control: Pick<SimulatorControl, "creates">,
): string[] {
  return expected.flatMap((each) => {
    const outcome = outcomes.find(({ version }) => version === each.version);
    if (outcome === undefined) return [`${each.version}: has no outcome`];
    const creates = control.creates(versionId(each.version));
    const found =
      each.outcome === "succeeds"
        ? [
            ...unlike("creates in Resource Manager", creates, 1),
            ...notSucceeded(each.request, outcome),
          ]
        : [...unlike("creates in Resource Manager", creates, 0), ...notRefused(outcome)];
    return found.map((difference) => `${each.version}: ${difference}`);
  });
}

/** What the demo's own requests share. */
export interface Request {
  readonly properties: {
    readonly publishingProfile: {
      readonly targetRegions: readonly {
        readonly name: string;
        readonly encryption: object;
      }[];
    };
  };
}

function notSucceeded(request: Request, { operation, image }: Outcome) {
  const { targetRegions } = request.properties.publishingProfile;
  return [
    ...unlike("operation", operation.status, "Succeeded"),
    ...unlike("provisioning state", image?.properties.provisioningState, "Succeeded"),
    ...targetRegions.flatMap(({ name, encryption }) => {
      const region = image?.sigil.regions.find((each) => each.name === name);
      return [
        ...unlike(`region ${name}`, region?.state, "Completed"),
        ...unlike(`keys in ${name}`, setsOf(region?.encryption), setsOf(encryption)),
      ];
    }),
  ];
}

function notRefused({ operation, image }: Outcome): string[] {
  const codes = new Set(operation.error?.errors.map(({ code }) => code));
  return [
    ...unlike("operation", operation.status, "Failed"),
    ...unlike("version", image, undefined),
    ...unlike("findings", [...codes].join(), "DiskEncryptionSetInOtherRegion"),
  ];
}

/** Ids of the disk encryption sets, the OS disk's first. */
function setsOf(encryption: object | undefined): string {
  return (JSON.stringify(encryption)?.match(/\/subscriptions\/[^"]+/gu) ?? []).join(" ");
}

function unlike(what: string, found: unknown, expected: unknown): string[] {
  return found === expected ? [] : [`${what}: ${String(found)} instead of ${String(expected)}`];
}
