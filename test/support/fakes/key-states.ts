import type {
  ImageKeys,
  KeyStates,
} from "../../../src/image-version/keys/ports.js";
import { createMemoryImageDocuments } from "./image-documents.js";

export function createMemoryKeyStates(): KeyStates {
  return createMemoryImageDocuments<ImageKeys>("state of the keys");
}
