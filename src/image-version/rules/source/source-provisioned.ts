import { found } from "../../../bounded-reads.js";
import { seenSources } from "../source.js";
import type { Breach, GatheredRule } from "../rule.js";

/** Succeeded; or ARM shows no state for that type of resource. */
const READY = ["succeeded", "unknown"];

export const sourceProvisioned: GatheredRule = {
  name: "source-provisioned",
  code: "SourceNotReady",
  severity: "warning",
  basis: {
    guess: "Microsoft does not say what Azure does with a source that is changing or has failed.",
  },
  summary:
    "Every source, and every disk of a source virtual machine, is provisioned; Microsoft does not say what Azure does with one that is not.",
  check: ({ request, gathered }) =>
    seenSources(request, gathered).flatMap(({ reference: { pointer }, source }) => {
      const disks = [source.osDisk, ...source.dataDisks].flatMap(
        ({ id }) => found(gathered.sources.get(id?.toLowerCase() ?? "")) ?? [],
      );
      const resources = new Map(
        [source, ...disks].map((resource) => [resource.id.toLowerCase(), resource]),
      );
      return [...resources.values()].flatMap(({ id, provisioningState }): Breach[] =>
        READY.includes(provisioningState.toLowerCase())
          ? []
          : [
              {
                pointer,
                message: `${id} is in provisioning state ${provisioningState}. Azure may refuse it, or copy its present content.`,
                remediation: `Wait until it is Succeeded, or repair it: az resource show --ids ${id} --query properties.provisioningState`,
              },
            ],
      );
    }),
};
