/** What was opened in this browser, the latest first. */
import { inBrowser } from "./kept.js";
import {
  galleryKey,
  imageKey,
  type GalleryName,
  type ImageName,
} from "./routes.js";

const MOST = 20;

const galleries = recent<GalleryName>(
  "sigil.galleries",
  ["subscriptionId", "resourceGroupName", "galleryName"],
  galleryKey,
);
const images = recent<ImageName>(
  "sigil.images",
  ["subscriptionId", "resourceGroupName", "galleryName", "imageName"],
  imageKey,
);

export const recentGalleries = galleries.read;
export const rememberGallery = galleries.remember;
export const recentImages = images.read;
export const rememberImage = images.remember;

function recent<Name>(
  key: string,
  names: readonly (keyof Name & string)[],
  keyOf: (name: Name) => string,
) {
  const isName = (value: unknown): value is Name =>
    typeof value === "object" &&
    value !== null &&
    names.every(
      (name) => typeof (value as Record<string, unknown>)[name] === "string",
    );
  const read = (): readonly Name[] => {
    try {
      const kept: unknown = JSON.parse(inBrowser.get(key) ?? "[]");
      return Array.isArray(kept) ? kept.filter(isName) : [];
    } catch {
      return []; // Written by hand: then there are none.
    }
  };
  return {
    read,
    remember: (name: Name): void => {
      const others = read().filter((each) => keyOf(each) !== keyOf(name));
      inBrowser.set(key, JSON.stringify([name, ...others].slice(0, MOST)));
    },
  };
}
