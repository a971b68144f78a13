import type { Schemas } from "@sigil/client";

export type Requester = Schemas["Requester"];

const POLICIES: Readonly<Record<string, string>> = {
  rollout: "Rollout rule",
  retention: "Retention policy",
  machineTest: "Sigil",
  azure: "Azure",
};

/** A person or an application by name; of one that has none, the end of its id: many begin with the same zeros. */
export function whoText(requester: Requester | undefined): string {
  const { policy, name, source, appId, objectId } = requester ?? {};
  if (policy !== undefined) return POLICIES[policy] ?? policy;
  if (source !== undefined) return `message from ${source}`;
  if (name !== undefined) return name;
  if (appId !== undefined) return `application ${appId.slice(-8)}`;
  return objectId === undefined ? "unknown" : `person ${objectId.slice(-8)}`;
}
