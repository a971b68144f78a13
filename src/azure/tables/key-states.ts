import type { ImageKeys, KeyStates } from "../../image-version/index.js";
import { createImageDocuments } from "./image-documents.js";
import type { TableStorage } from "./table.js";

/** What is known of keys, in Table Storage. */
export function createKeyStates(storage: TableStorage): KeyStates {
  return createImageDocuments<ImageKeys>(
    storage,
    "SigilKeyStates",
    "keys",
    "state of the keys",
  );
}
