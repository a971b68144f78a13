import { findingsInAnswer } from "../../errors.js";
import type { PlanView } from "../contract.js";
import { durationSentence, storageSentence } from "./copies.js";
import type { Plan } from "./plan.js";

/** A plan as the API shows it. */
export function viewPlan({
  findings,
  changes,
  armRequest,
  purchasePlan,
  lookedTime,
  sourceDataDiskLuns,
  copies,
  home,
}: Plan): PlanView {
  const duration = durationSentence(copies);
  return {
    findings: findingsInAnswer(findings),
    changes: changes.map((change) => ({ ...change })),
    lookedTime,
    copies: copies.map((one) => ({ ...one })),
    storage: storageSentence(copies, home),
    ...(duration !== undefined && { duration }),
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
