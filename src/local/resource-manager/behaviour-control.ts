import type { Store } from "./store.js";

/** Ways in which Azure behaves, or has been seen to: each is one mode of the simulator, kept over a restart. */
export interface BehaviourControl {
  /** Most items of one page of every list; null: what the simulator was started with. */
  setPageSize(size: number | null): Promise<void>;
}

export function createBehaviourControl(store: Store): BehaviourControl {
  const { state } = store;
  return {
    async setPageSize(size) {
      if (size === null) delete state.pageSize;
      else if (Number.isSafeInteger(size) && size >= 1) state.pageSize = size;
      else
        throw new TypeError(
          "The page size must be an integer, 1 or more, or null for the default.",
        );
      await store.commit();
    },
  };
}
