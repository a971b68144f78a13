/** The image definitions that were opened in this browser, the latest first. */
import { inBrowser } from "./kept.js";
import { imageKey, type ImageName } from "./routes.js";

const MOST = 20;
const KEY = "sigil.images";
const NAMES = [
  "subscriptionId",
  "resourceGroupName",
  "galleryName",
  "imageName",
] as const satisfies readonly (keyof ImageName)[];

export function recentImages(): readonly ImageName[] {
  try {
    const kept: unknown = JSON.parse(inBrowser.get(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter(isName) : [];
  } catch {
    return []; // Written by hand: then there are none.
  }
}

export function rememberImage(image: ImageName): void {
  const others = recentImages().filter((each) => imageKey(each) !== imageKey(image));
  inBrowser.set(KEY, JSON.stringify([image, ...others].slice(0, MOST)));
}

function isName(value: unknown): value is ImageName {
  return (
    typeof value === "object" &&
    value !== null &&
    NAMES.every((name) => typeof (value as Record<string, unknown>)[name] === "string")
  );
}
