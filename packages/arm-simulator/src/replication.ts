/**
 * How one region's copy advances, as a pure function of time: nothing is scheduled, so a restart loses nothing.
 *
 *   Unknown (queued) -> Replicating 0..100 -> Completed
 *                                          -> Failed       stop.kind "failed" was reached
 *                                          -> Replicating  stop.kind "stalled" was reached: progress stands still
 *
 * Invariants:
 *   1. Progress never goes backwards; only removing a region and adding it back, or `setRegion`, starts it anew.
 *   2. Completed and Failed are final for a region that stays; only `setRegion` changes them.
 *   3. Times are replication time: a clock whose speed can be set; a change of speed moves nothing already done.
 */

export type RegionState = "Unknown" | "Replicating" | "Completed" | "Failed";

export interface RegionReplication {
  /** Canonical name. */
  readonly region: string;
  startsAtMs: number;
  /** Time in the queue: state Unknown. */
  readonly queuedMs: number;
  /** Time of the copy: state Replicating. */
  readonly copyMs: number;
  stop?: {
    readonly kind: "failed" | "stalled";
    readonly atMs: number;
    readonly message: string;
  };
}

/** Replication time as a line through (wallMs, replicationMs) with a slope of `speed`. */
export interface ReplicationTime {
  wallMs: number;
  replicationMs: number;
  speed: number;
}

export interface ReplicationModel {
  /** The slowest region takes this long, queueing included. */
  readonly durationMs: number;
  /** 0: all regions alike; 0.5: the fastest takes half as long as the slowest. */
  readonly spread: number;
  /** The same seed, version and region always take the same time. */
  readonly seed: string;
}

/** Share of a region's time that it spends in the queue. */
const QUEUED_SHARE = 0.1;

export function replicationNow(time: ReplicationTime, wallMs: number): number {
  return time.replicationMs + (wallMs - time.wallMs) * time.speed;
}

/** Changes the speed from `wallMs` on. Invariant 3. */
export function changeSpeed(time: ReplicationTime, wallMs: number, speed: number): void {
  time.replicationMs = replicationNow(time, wallMs);
  time.wallMs = wallMs;
  time.speed = speed;
}

/** A region that starts at `startsAtMs`, at a speed of its own. */
export function startRegion(
  model: ReplicationModel,
  versionKey: string,
  region: string,
  startsAtMs: number,
): RegionReplication {
  const slowness = hashToUnit(`${model.seed}|${versionKey}|${region}`);
  const totalMs = model.durationMs * (1 - model.spread + model.spread * slowness);
  const queuedMs = totalMs * QUEUED_SHARE;
  return { region, startsAtMs, queuedMs, copyMs: totalMs - queuedMs };
}

export interface RegionView {
  readonly state: RegionState;
  /** Whole percent. */
  readonly progress: number;
  readonly details: string;
}

export function viewRegion(region: RegionReplication, nowMs: number): RegionView {
  const copyStartsMs = region.startsAtMs + region.queuedMs;
  const completedMs = copyStartsMs + region.copyMs;
  const { stop } = region;
  const stopped = stop !== undefined && stop.atMs < completedMs;
  // Invariant 2: a stop that would come after completion changes nothing.
  const atMs = stopped ? Math.min(nowMs, stop.atMs) : nowMs;
  const progress =
    region.copyMs <= 0 && atMs >= copyStartsMs
      ? 100
      : Math.max(0, Math.min(100, Math.floor(((atMs - copyStartsMs) / region.copyMs) * 100)));
  if (stopped && nowMs >= stop.atMs && stop.kind === "failed")
    return { state: "Failed", progress, details: stop.message };
  if (atMs < copyStartsMs) return { state: "Unknown", progress: 0, details: "" };
  if (atMs < completedMs) return { state: "Replicating", progress, details: "" };
  return { state: "Completed", progress: 100, details: "" };
}

/** When the region ends, in replication time; Infinity while it is stalled. */
export function endOf(region: RegionReplication): number {
  const completedMs = region.startsAtMs + region.queuedMs + region.copyMs;
  if (region.stop === undefined || region.stop.atMs >= completedMs) return completedMs;
  return region.stop.kind === "failed" ? region.stop.atMs : Number.POSITIVE_INFINITY;
}

/** Stops the region when it reaches `atProgress`, or now if it is beyond or no progress is given. Invariant 1. */
export function stopRegion(
  region: RegionReplication,
  kind: "failed" | "stalled",
  message: string,
  nowMs: number,
  atProgress?: number,
): void {
  if (region.stop !== undefined && region.stop.atMs <= nowMs) {
    if (region.stop.kind === "failed") return;
    // A region that stands still has not moved on meanwhile: it is stopped where it stands.
    resumeRegion(region, nowMs);
  }
  const plannedMs =
    atProgress === undefined
      ? nowMs
      : region.startsAtMs + region.queuedMs + (region.copyMs * atProgress) / 100;
  region.stop = { kind, message, atMs: Math.max(nowMs, plannedMs) };
}

/** Lets a stalled region go on from where it stood; a failed one stays failed. Invariant 2. */
export function resumeRegion(region: RegionReplication, nowMs: number): void {
  const { stop } = region;
  if (stop?.kind !== "stalled") return;
  if (nowMs > stop.atMs) region.startsAtMs += nowMs - stop.atMs;
  delete region.stop;
}

/**
 * Sets the region's state at `nowMs`, from any state; time moves it on from there. Only for
 * controls.
 */
export function setRegion(
  region: RegionReplication,
  nowMs: number,
  { state, progress, details }: RegionView,
): void {
  delete region.stop;
  switch (state) {
    case "Unknown":
      region.startsAtMs = nowMs;
      return;
    case "Failed":
      region.stop = { kind: "failed", atMs: nowMs, message: details };
      region.startsAtMs = startFor(region, nowMs, progress);
      return;
    case "Replicating":
      region.startsAtMs = startFor(region, nowMs, progress);
      return;
    case "Completed":
      region.startsAtMs = startFor(region, nowMs, 100);
      return;
  }
}

/** When the region must have started to be at `progress` now; half a percent before, so that rounding takes none back. */
function startFor(
  { queuedMs, copyMs }: RegionReplication,
  nowMs: number,
  progress: number,
): number {
  return nowMs - queuedMs - (copyMs * (progress + 0.5)) / 100;
}

/** Azure's own aggregate: Failed wins, then InProgress. */
export function aggregate(
  states: readonly RegionState[],
): "Unknown" | "InProgress" | "Completed" | "Failed" {
  if (states.includes("Failed")) return "Failed";
  if (states.every((state) => state === "Completed")) return "Completed";
  if (states.every((state) => state === "Unknown")) return "Unknown";
  return "InProgress";
}

/** FNV-1a with a final mix (murmur3's), as a number in [0, 1). */
function hashToUnit(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text)
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32;
}
