import { retryAfterMs, statusOf, type Client, type Schemas } from "@sigil/client";
import { BUSY_MS, ENDED_MS } from "./retry.js";
import { parseResourceId } from "./routes.js";

export type Operation = Schemas["Operation"];

/** Kinds as people say them. */
const KIND_NAMES: Readonly<Record<string, string>> = {
  CreateImageVersion: "Create",
  UpdateImageVersion: "Update",
  RetryImageVersion: "Retry",
  PromoteImageVersion: "Promote",
  DemoteImageVersion: "Demote",
  DeleteImageVersion: "Delete",
  RestoreImageVersion: "Restore",
  RollBackImage: "Roll back",
  TestImageVersion: "Test",
  RevokeImageVersion: "Revoke",
  UnrevokeImageVersion: "Lift the revocation",
  PrepareSubscription: "Prepare subscription",
};

export function kindName(kind: string): string {
  return KIND_NAMES[kind] ?? kind;
}

/** What it does, and to what: `Promote MyImage 1.0.0`. */
export function titleOf({ kind, resourceId }: Operation): string {
  const { image, version = "" } = parseResourceId(resourceId) ?? {};
  const name = image?.imageName ?? resourceId.split("/")[2] ?? "";
  return `${kindName(kind)} ${name} ${version}`.trim();
}

/** `KeyAtRisk`: key at risk. */
export function inWords(code: string): string {
  return code.replaceAll(/(?!^)[A-Z]/gu, (letter) => ` ${letter}`).toLowerCase();
}

/** With a capital at its beginning. */
export function capital(text: string): string {
  return text.replace(/^./u, (letter) => letter.toUpperCase());
}

export function isRunning({ status }: Pick<Operation, "status">): boolean {
  return status === "NotStarted" || status === "Running";
}

/** An operation, and when it may have news. */
export interface ReadOperation {
  readonly operation: Operation;
  readonly nextMs: number;
}

export async function readOperation(
  client: Client,
  operationId: string,
  signal: AbortSignal,
  expand?: "calls",
): Promise<ReadOperation> {
  const { body, headers } = await client.call("getOperation", {
    path: { operationId },
    query: { ...(expand && { expand }) },
    signal,
  });
  return {
    operation: body,
    nextMs: isRunning(body) ? (retryAfterMs(headers) ?? BUSY_MS) : ENDED_MS,
  };
}

export function statusText(operation: Operation): string {
  const status = statusOf(operation);
  if (status === "Running") return `${operation.percentComplete} %`;
  if (status === "NotStarted") return "not begun";
  if (status === "Succeeded") return "done";
  return operation.error === undefined ? status.toLowerCase() : `failed, ${operation.error.code}`;
}
