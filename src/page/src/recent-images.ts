import { imageKey, type ImageName } from "./routes.js";

const KEY = "sigil.images";
const MOST = 20;

/** Image definitions that were opened in this browser, the latest first. */
export function recentImages(): readonly ImageName[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isImageName) : [];
  } catch {
    return []; // Written by hand, or no storage: then there are none.
  }
}

export function rememberImage(image: ImageName): void {
  const others = recentImages().filter(
    (each) => imageKey(each) !== imageKey(image),
  );
  try {
    localStorage.setItem(
      KEY,
      JSON.stringify([image, ...others].slice(0, MOST)),
    );
  } catch {
    // A browser that keeps nothing.
  }
}

function isImageName(value: unknown): value is ImageName {
  return (
    typeof value === "object" &&
    value !== null &&
    ["subscriptionId", "resourceGroupName", "galleryName", "imageName"].every(
      (name) => typeof (value as Record<string, unknown>)[name] === "string",
    )
  );
}
