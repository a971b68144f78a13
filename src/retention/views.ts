import type { RetentionPolicyView, RetentionView } from "./contract.js";
import type { Decision } from "./decide.js";
import type { Evaluation } from "./evaluate-retention.js";
import type { RetentionPolicy } from "./ports.js";

/** A policy and what it would delete, for an answer. */
export function viewRetention({
  policy,
  evaluation: { time, decisions, unknown, softDelete },
}: {
  readonly policy: RetentionPolicy;
  readonly evaluation: Evaluation;
}): RetentionView {
  const views = (deletes: boolean): RetentionView["kept"] =>
    decisions.filter((decision) => decision.deletes === deletes).map(view);
  return {
    policy: viewRetentionPolicy(policy),
    evaluatedTime: time.toISOString(),
    deletions: views(true),
    kept: views(false),
    unknown: [...unknown],
    softDelete,
  };
}

/** A policy for an answer. Its image definition is in the URL. */
export function viewRetentionPolicy({
  rules,
  mode,
  setBy,
  setTime,
}: RetentionPolicy): RetentionPolicyView {
  return { ...rules, mode, setBy, setTime };
}

function view({ version: { id, name }, code, reason }: Decision): RetentionView["kept"][number] {
  return { id, name, code, reason };
}
