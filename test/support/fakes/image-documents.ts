import { ServiceError } from "../../../src/errors.js";
import { keyOf } from "../../../src/resource-id.js";
import type { ImageDocuments, StoredDocument } from "../../../src/image-documents.js";

export function createMemoryImageDocuments<T extends { readonly imageId: string }>(
  what: string,
): ImageDocuments<T> {
  const documents = new Map<string, StoredDocument<T>>();
  let writes = 0;
  return {
    read: (imageId) => Promise.resolve(documents.get(keyOf(imageId))),
    put(document, etag) {
      const key = keyOf(document.imageId);
      if (documents.get(key)?.etag !== etag)
        return Promise.reject(
          new ServiceError(
            "StateConflict",
            `The ${what} of ${document.imageId} was changed by another request. Read it again, then repeat yours.`,
            { retryAfterMs: 1_000 },
          ),
        );
      writes += 1;
      documents.set(key, { document, etag: String(writes) });
      return Promise.resolve();
    },
    remove(imageId) {
      documents.delete(keyOf(imageId));
      return Promise.resolve();
    },
    list: () => Promise.resolve([...documents.values()]),
  };
}
