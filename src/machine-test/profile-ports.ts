import type { TestProfile } from "./profile.js";
import type { ProofSources } from "./prove-profile.js";

interface StoredTestProfile {
  readonly profile: TestProfile;
  readonly etag: string;
}

/** One test profile an image definition. */
export interface TestProfiles {
  read(imageId: string): Promise<StoredTestProfile | undefined>;
  /** Writes if `etag` is still the stored one (`undefined`: if nothing is stored); else ServiceError StateConflict. */
  put(profile: TestProfile, etag: string | undefined): Promise<void>;
  /** What is not there is removed. */
  remove(imageId: string): Promise<void>;
}

/** What test profiles need. */
export interface TestProfileDependencies extends ProofSources {
  readonly profiles: TestProfiles;
  readonly now: () => Date;
}
