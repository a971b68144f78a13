import type { Dependencies } from "../image-version/index.js";
import type { Revocations } from "./record.js";

export interface RevocationDependencies {
  readonly imageVersions: Dependencies;
  /** The store of versions, with other keys. */
  readonly revocations: Revocations;
}
