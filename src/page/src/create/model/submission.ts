import type { Schemas } from "@sigil/client";
import type { ImageName } from "../../routes.js";
import { mergePatch } from "./changes.js";
import { canonicalRegion } from "../../geography.js";
import { bodyOf } from "./body.js";
import { BLOCK_DELETION, EXCLUDE, type Form } from "./form.js";
import { at, objectIn, put, type JsonObject } from "./json.js";
import type { Request } from "./lines.js";

/** The version that a change starts from. */
export interface Base {
  readonly form: Form;
  readonly etag: string;
}

/** Regions that the version has and the form leaves out: none goes without being named. */
export function removedRegions(form: Form, base: Form | undefined): readonly string[] {
  const kept = form.regions.map(({ name }) => canonicalRegion(name));
  return (base?.regions ?? [])
    .map(({ name }) => canonicalRegion(name))
    .filter((name) => !kept.includes(name));
}

/** The options of a plan and a request in addition to their body. */
export function allowedOf(
  form: Form,
  base: Base | undefined,
): { readonly allowNoLatest?: true; readonly removeRegions?: string } {
  const removed = removedRegions(form, base?.form);
  return {
    ...(form.allowNoLatest && { allowNoLatest: true }),
    ...(removed.length > 0 && { removeRegions: removed.join(",") }),
  };
}

/**
 * The form's changes to the version that was read. A PUT of an existing version changes neither
 * latest nor its rule; a patch changes both.
 */
export function patchOf(form: Form, base: Base): Schemas["GalleryImageVersionPatch"] {
  return mergePatch(saidOf(base.form), saidOf(form));
}

/** With every flag explicit, and the rule's place: a patch without them would remove too much. */
function saidOf(form: Form): JsonObject {
  const body = bodyOf(form) as unknown as JsonObject;
  const flagged = [EXCLUDE, BLOCK_DELETION].reduce(
    (now, pointer) => put(now, pointer, at(now, pointer) === true),
    body,
  );
  return { ...flagged, sigil: objectIn(body, "sigil") };
}

/** The request that the form is sent as. */
export function requestOf(
  { subscriptionId, resourceGroupName, galleryName, imageName }: ImageName,
  form: Form,
  base: Base | undefined,
): Request {
  const segments = [
    "api",
    "subscriptions",
    subscriptionId,
    "resourceGroups",
    resourceGroupName,
    "galleries",
    galleryName,
    "images",
    imageName,
    "versions",
    ...(form.version === "" ? [] : [form.version]),
  ];
  const path = segments.map((each) => `/${encodeURIComponent(each)}`).join("");
  const query = Object.entries({
    ...(form.version === "" && { increment: form.increment }),
    plan: "require",
    ...allowedOf(form, base),
  }).map(([name, value]): [string, string] => [name, String(value)]);
  const address = `${path}?${new URLSearchParams(query).toString()}`;
  const headers = conditionOf(form, base);
  return base === undefined
    ? {
        method: form.version === "" ? "POST" : "PUT",
        address,
        headers,
        body: bodyOf(form),
      }
    : { method: "PATCH", address, headers, body: patchOf(form, base) };
}

/** A new number is a new version: one that is there is not changed by it. */
function conditionOf(form: Form, base: Base | undefined): Readonly<Record<string, string>> {
  if (base !== undefined) return { "If-Match": base.etag };
  return form.version === "" ? {} : { "If-None-Match": "*" };
}
