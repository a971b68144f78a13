import type { Schemas } from "@sigil/client";

export type Operation = Schemas["Operation"];

/** Kinds as people say them. */
const KIND_NAMES: Readonly<Record<string, string>> = {
  CreateImageVersion: "Create",
  UpdateImageVersion: "Update",
  RetryImageVersion: "Retry",
  PromoteImageVersion: "Promote",
  DemoteImageVersion: "Demote",
  DeleteImageVersion: "Delete",
  RollBackImage: "Roll back",
  TestImageVersion: "Test",
  RevokeImageVersion: "Take back",
  UnrevokeImageVersion: "Lift the revocation",
  PrepareSubscription: "Prepare subscription",
};

export function kindName(kind: string): string {
  return KIND_NAMES[kind] ?? kind;
}

export function isRunning({ status }: Pick<Operation, "status">): boolean {
  return status === "NotStarted" || status === "Running";
}
