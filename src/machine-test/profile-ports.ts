import type { ImageDocuments } from "../image-documents.js";
import type { TestProfile } from "./profile.js";
import type { ProofSources } from "./prove-profile.js";

export interface TestProfileDependencies extends ProofSources {
  readonly profiles: ImageDocuments<TestProfile>;
  readonly now: () => Date;
}
