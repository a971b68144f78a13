import type { GalleryName, ImageName } from "./routes.js";

/** A word as a shell takes it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/u.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The options that name a gallery, an image definition, a version. */
export function galleryWords(gallery: GalleryName): readonly string[] {
  return [
    ...["--subscription", gallery.subscriptionId],
    ...["-g", gallery.resourceGroupName],
    ...["-r", gallery.galleryName],
  ];
}

export function imageWords(image: ImageName): readonly string[] {
  return [...galleryWords(image), "-i", image.imageName];
}

export function versionWords(image: ImageName, version: string): readonly string[] {
  return [...imageWords(image), "-e", version];
}
