import type { Schemas } from "@sigil/client";
import type { ImageName } from "../../routes.js";
import { mergePatch } from "./changes.js";
import { canonicalRegion } from "../../geography.js";
import { bodyOf } from "./body.js";
import type { Form } from "./form.js";
import { objectIn, type Json, type JsonObject } from "./json.js";
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

/**
 * What the form changes of the version that was read. A PUT of a version that is there says nothing of latest and of its rule: a patch
 * says both.
 */
export function patchOf(
  form: Form,
  base: Base,
): Schemas["GalleryImageVersionPatch"] {
  return mergePatch(saidOf(base.form), saidOf(form));
}

/** With each flag in so many words, and the place of the rule: a patch without them would take away more than is meant. */
function saidOf(form: Form): JsonObject {
  const body = bodyOf(form) as unknown as JsonObject;
  const properties = objectIn(body, "properties");
  return {
    ...body,
    properties: {
      ...properties,
      publishingProfile: {
        ...objectIn(properties, "publishingProfile"),
        excludeFromLatest: form.exclude,
      },
      safetyProfile: {
        ...objectIn(properties, "safetyProfile"),
        blockDeletionBeforeEndOfLife: form.blockDeletion,
      },
    },
    sigil: objectIn(body, "sigil"),
  };
}

/** What the patch changes of flags and rule: a plan, which is of a PUT, does not tell it. */
export function latestChanges(
  form: Form,
  base: Base,
): readonly Schemas["PropertyChange"][] {
  const [before, after] = [latestOf(base.form), latestOf(form)];
  return Object.keys(before).flatMap((pointer) => {
    const [one, other] = [before[pointer], after[pointer]];
    if (!(pointer in after) || JSON.stringify(one) === JSON.stringify(other))
      return [];
    return [
      {
        pointer,
        propertyChangeType:
          one === undefined
            ? ("Create" as const)
            : other === undefined
              ? ("Delete" as const)
              : ("Modify" as const),
        ...(one !== undefined && { before: one }),
        ...(other !== undefined && { after: other }),
      },
    ];
  });
}

function latestOf(form: Form): Readonly<Record<string, Json | undefined>> {
  const profile = "/properties/publishingProfile";
  return {
    [`${profile}/excludeFromLatest`]: form.exclude,
    ...Object.fromEntries(
      form.regions.map(({ name, exclude }) => [
        `${profile}/targetRegions/${canonicalRegion(name)}/excludeFromLatest`,
        exclude,
      ]),
    ),
    "/sigil/promotion": objectIn(bodyOf(form), "sigil")["promotion"],
  };
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
    ...(form.allowNoLatest && { allowNoLatest: "true" }),
    ...(removed.length > 0 && { removeRegions: removed.join(",") }),
  }).toString();
  const address = `${path}?${query}`;
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
function conditionOf(
  form: Form,
  base: Base | undefined,
): Readonly<Record<string, string>> {
  if (base !== undefined) return { "If-Match": base.etag };
  return form.version === "" ? {} : { "If-None-Match": "*" };
}
