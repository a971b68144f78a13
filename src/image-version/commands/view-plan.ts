import { findingsInAnswer } from "../../errors.js";
import type { PlanView } from "../contract.js";
import type { Plan } from "./plan.js";

/** A plan as the API shows it. */
export function viewPlan({
  findings,
  changes,
  armRequest,
  purchasePlan,
  lookedTime,
  sourceDataDiskLuns,
}: Plan): PlanView {
  return {
    findings: findingsInAnswer(findings),
    changes: changes.map((change) => ({ ...change })),
    lookedTime,
    ...(purchasePlan && { purchasePlan }),
    ...(armRequest && {
      request: {
        method: "PUT",
        url: armRequest.url,
        body: armRequest.body as Record<string, unknown>,
      },
    }),
    ...(sourceDataDiskLuns && { sourceDataDiskLuns: [...sourceDataDiskLuns] }),
  };
}
