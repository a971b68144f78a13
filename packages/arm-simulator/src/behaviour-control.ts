import type { ImageVersions } from "./image-versions.js";
import { resourceKey } from "./resource-id.js";
import type { ExclusionReading, Omission, Policy } from "./state.js";
import type { Store } from "./store.js";

/** Ways in which Azure behaves, or has been seen to: each is one mode of the simulator, kept over a restart. */
export interface BehaviourControl {
  /**
   * "firstRegion": an operation fails as soon as one region has Failed, while the others go on replicating. Default
   * "allSettled": when every region has ended.
   */
  setFailureMode(mode: { when: "firstRegion" | "allSettled" }): Promise<void>;
  /**
   * For `ms` after a PUT or PATCH of a version, GET and LIST show the version as it was before. Without a version: of
   * every version, also of those that had a lag of their own. 0 turns it off, for writes already made, too.
   */
  setLag(lag: { versionId?: string; ms: number }): Promise<void>;
  /** The next GETs of the version show it as it was before the last write. A GET before the first write is not counted. */
  lagNextReads(lag: { versionId: string; reads: number }): Promise<void>;
  /** Replaces what Azure Policy does to every PUT and PATCH of a version; null or {}: nothing. */
  setPolicy(policy: Policy | null): Promise<void>;
  /**
   * "keep": what the body of an update leaves out keeps the value it had, as it does not by default ("clear", "false").
   * Under "keep" nothing clears a tag; null is as good as left out.
   */
  setOmission(omission: Partial<Omission>): Promise<void>;
  /**
   * How the flags of a version and of a region combine when a machine is created from the latest.
   * Default "regionFirst".
   */
  setExclusionReading(reading: ExclusionReading): Promise<void>;
  /** Resource Graph shows a change of a resource so much later; 0: at once, what is changed already, too. */
  setResourceGraphLag(lag: { ms: number }): Promise<void>;
  /** Most items of one page of every list; null: what the simulator was started with. */
  setPageSize(size: number | null): Promise<void>;
}

export function createBehaviourControl(store: Store, versions: ImageVersions): BehaviourControl {
  const { state } = store;
  return {
    async setFailureMode(mode) {
      versions.settleAll();
      state.failsWhen = mode.when;
      await store.commit();
    },
    async setLag(lag) {
      if (lag.versionId === undefined) {
        state.lag.ms = lag.ms;
        state.lag.byVersion = {};
      } else state.lag.byVersion[resourceKey(lag.versionId)] = lag.ms;
      await store.commit();
    },
    async lagNextReads(lag) {
      state.lag.nextReads[resourceKey(lag.versionId)] = lag.reads;
      await store.commit();
    },
    async setPolicy(policy) {
      state.policy = policy ?? {};
      await store.commit();
    },
    async setOmission(omission) {
      state.omission = {
        mode: omission.mode ?? "clear",
        excludeFromLatest: omission.excludeFromLatest ?? "false",
      };
      await store.commit();
    },
    async setExclusionReading(reading) {
      state.exclusionReading = reading;
      await store.commit();
    },
    async setResourceGraphLag({ ms }) {
      state.resourceGraph.lagMs = ms;
      await store.commit();
    },
    async setPageSize(size) {
      if (size === null) delete state.pageSize;
      else state.pageSize = size;
      await store.commit();
    },
  };
}
