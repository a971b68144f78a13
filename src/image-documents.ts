export interface StoredDocument<T> {
  readonly document: T;
  readonly etag: string;
}

/** One document an image definition. */
export interface ImageDocuments<T> {
  read(imageId: string): Promise<StoredDocument<T> | undefined>;
  /** Writes if `etag` is still the stored one (`undefined`: if nothing is stored); else ServiceError StateConflict. */
  put(document: T, etag: string | undefined): Promise<void>;
  /** What is not there is removed. */
  remove(imageId: string): Promise<void>;
  /** All there are. */
  list(): Promise<readonly StoredDocument<T>[]>;
}
