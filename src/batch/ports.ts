import type { Finding } from "../errors.js";
import type { OperationDependencies } from "../operation/ports.js";
import type { OperationRecord } from "../operation/records.js";
import type { BatchCaller, BatchCommand, BatchItem, BatchQuery, BatchRecord } from "./record.js";

/** One item's request, as its caller would send it alone. */
export interface ItemRequest extends Pick<BatchItem, "id" | "ifMatch" | "body"> {
  readonly command: BatchCommand;
  readonly query: BatchQuery;
  readonly caller: BatchCaller;
  readonly traceparent: string;
}

export interface ItemPlan {
  /** True if nothing would change. */
  readonly unchanged: boolean;
  readonly findings: readonly Finding[];
  readonly summary: string;
}

/**
 * The commands of the API. Both ask anew what the caller may do; both throw what the command alone would be refused with.
 */
export interface BatchCommands {
  /** `leaving`: numbers of the definition's versions that earlier items take out of latest. */
  plan(this: void, request: ItemRequest, leaving: readonly string[]): Promise<ItemPlan>;
  /** `parent`: id of the batch's operation. Undefined: nothing is to be changed. */
  begin(
    this: void,
    request: ItemRequest,
    idempotencyKey: string,
    parent: string,
  ): Promise<OperationRecord | undefined>;
}

export interface BatchDependencies {
  readonly operations: OperationDependencies<BatchRecord>;
  readonly commands: BatchCommands;
  /**
   * Why the image version is not proven yet, in one sentence; undefined: it is. Proven, it is the latest wherever its
   * promotion rule brings it, or, without a rule, ready in every region.
   */
  readonly unproven: (this: void, id: string) => Promise<string | undefined>;
}
