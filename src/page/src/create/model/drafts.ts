/** What somebody has begun to fill in, kept in this tab. It has no token: a form has none. */
import { isObject } from "./json.js";
import { EMPTY_FORM, type Form } from "./form.js";
import { imageKey, type ImageName } from "../../routes.js";

export interface Draft {
  readonly form: Form;
  readonly savedTime: string;
  /** Of a change: the version that was read, and its ETag. */
  readonly base?: Form;
  readonly etag?: string;
}

/** What a draft of another release is not read as. */
const SHAPE = 1;

/** What the page uses of sessionStorage. */
export interface DraftStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

function keyOf(image: ImageName, version: string | undefined): string {
  return `sigil.draft/${imageKey(image)}/${version ?? "new"}`;
}

export function readDraft(
  storage: DraftStorage,
  image: ImageName,
  version: string | undefined,
): Draft | undefined {
  try {
    const kept: unknown = JSON.parse(
      storage.getItem(keyOf(image, version)) ?? "null",
    );
    if (!isObject(kept) || kept["shape"] !== SHAPE) return undefined;
    const { form } = kept;
    return isObject(form) &&
      Object.keys(EMPTY_FORM).every((name) => name in form)
      ? (kept as unknown as Draft)
      : undefined;
  } catch {
    return undefined;
  }
}

/** A storage that is full keeps no draft; the form goes on. */
export function keepDraft(
  storage: DraftStorage,
  image: ImageName,
  version: string | undefined,
  draft: Draft,
): void {
  try {
    storage.setItem(
      keyOf(image, version),
      JSON.stringify({ shape: SHAPE, ...draft }),
    );
  } catch {
    dropDraft(storage, image, version);
  }
}

export function dropDraft(
  storage: DraftStorage,
  image: ImageName,
  version: string | undefined,
): void {
  storage.removeItem(keyOf(image, version));
}
