import type { Dependencies } from "../image-version/index.js";
import type { Revocations } from "./record.js";

/** What a revocation needs. */
export interface RevocationDependencies {
  readonly imageVersions: Dependencies;
  /** The same store as that of versions, under other keys. */
  readonly revocations: Revocations;
}
