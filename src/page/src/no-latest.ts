/** The code of a finding, or of a refusal, for a region that would have no latest. */
export const NO_LATEST = "RegionWouldLoseLatest";
