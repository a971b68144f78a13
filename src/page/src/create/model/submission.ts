import type { ImageName } from "../../routes.js";
import { bodyOf, canonicalRegion, type Form } from "./form.js";
import type { Request } from "./lines.js";

/** What a change is a change of. */
export interface Base {
  readonly form: Form;
  readonly etag: string;
}

/** Regions that the version has and the form leaves out: none goes without being named. */
export function removedRegions(
  form: Form,
  base: Form | undefined,
): readonly string[] {
  const kept = form.regions.map(({ name }) => canonicalRegion(name));
  return (base?.regions ?? [])
    .map(({ name }) => canonicalRegion(name))
    .filter((name) => !kept.includes(name));
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
  const removed = removedRegions(form, base?.form);
  const query = new URLSearchParams({
    ...(form.version === "" && { increment: form.increment }),
    plan: "require",
    ...(removed.length > 0 && { removeRegions: removed.join(",") }),
  }).toString();
  return {
    method: form.version === "" ? "POST" : "PUT",
    address: `${path}?${query}`,
    headers: conditionOf(form, base),
    body: bodyOf(form),
  };
}

/** A new number is a new version: one that is there is not changed by it. */
export function conditionOf(
  form: Form,
  base: Base | undefined,
): Readonly<Record<string, string>> {
  if (base !== undefined) return { "If-Match": base.etag };
  return form.version === "" ? {} : { "If-None-Match": "*" };
}
