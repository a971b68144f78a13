/** A form that a person began to fill in, kept in this tab. It has no token: a form has none. */
import { isObject } from "./json.js";
import { EMPTY_FORM, type Form } from "./form.js";
import type { Kept } from "../../kept.js";
import { imageKey, type ImageName } from "../../routes.js";

interface Draft {
  readonly form: Form;
  readonly savedTime: string;
  /** For a change: the version that was read, and its ETag. */
  readonly base?: Form;
  readonly etag?: string;
}

/** Drafts of another release have another shape and are ignored. */
const SHAPE = 4;

const PREFIX = "sigil.draft/";
/** Whose they are. */
const OWNER = "sigil.owner";

function keyOf(image: ImageName, version: string | undefined): string {
  return `${PREFIX}${imageKey(image)}/${version ?? "new"}`;
}

export function readDraft(
  tab: Kept,
  image: ImageName,
  version: string | undefined,
): Draft | undefined {
  try {
    const kept: unknown = JSON.parse(tab.get(keyOf(image, version)) ?? "null");
    if (!isObject(kept) || kept["shape"] !== SHAPE) return undefined;
    const { form } = kept;
    return isObject(form) && Object.keys(EMPTY_FORM).every((name) => name in form)
      ? (kept as unknown as Draft)
      : undefined;
  } catch {
    return undefined;
  }
}

/** If there is no room for it, the older draft goes, too. */
export function keepDraft(
  tab: Kept,
  image: ImageName,
  version: string | undefined,
  draft: Draft,
): void {
  const text = JSON.stringify({ shape: SHAPE, ...draft });
  if (!tab.set(keyOf(image, version), text)) dropDraft(tab, image, version);
}

export function dropDraft(tab: Kept, image: ImageName, version: string | undefined): void {
  tab.remove(keyOf(image, version));
}

/** Drafts are of one person: those of anybody else go. */
export function keepDraftsOf(tab: Kept, person: string): void {
  const before = tab.get(OWNER);
  if (before !== undefined && before !== person) dropDrafts(tab);
  tab.set(OWNER, person);
}

/** They are of who was signed in. */
export function dropDrafts(tab: Kept): void {
  for (const key of tab.keys()) if (key.startsWith(PREFIX) || key === OWNER) tab.remove(key);
}
