import type { ImageKeys, KeyStates } from "../../../src/key-guardian/ports.js";
import { createMemoryImageDocuments } from "./image-documents.js";

export function createMemoryKeyStates(): KeyStates {
  return createMemoryImageDocuments<ImageKeys>("state of the keys");
}
