export interface StoredDocument<T> {
  readonly document: T;
  readonly etag: string;
}

/** One document for each image definition. */
export interface ImageDocuments<T> {
  read(imageId: string): Promise<StoredDocument<T> | undefined>;
  /** Writes if `etag` is still the stored one (`undefined`: if nothing is stored); else ServiceError StateConflict. */
  put(document: T, etag: string | undefined): Promise<void>;
  /** A missing document is no error. */
  remove(imageId: string): Promise<void>;
  list(): Promise<readonly StoredDocument<T>[]>;
}
