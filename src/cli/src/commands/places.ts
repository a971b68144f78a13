/** The options that select a version, image definition or subscription. */
import type { ImageVersionPath } from "@sigil/client";
import type { Context } from "../command.js";
import type { Option } from "../options.js";

const GROUP: Option = {
  names: ["--resource-group", "-g"],
  help: "Resource group of the gallery. Default: SIGIL_GROUP, or the value of sigil configure.",
  required: true,
};
const GALLERY: Option = {
  names: ["--gallery-name", "-r"],
  help: "Name of the gallery. Default: SIGIL_GALLERY, or the value of sigil configure.",
  required: true,
};
const IMAGE: Option = {
  names: ["--gallery-image-definition", "-i"],
  help: "Name of the image definition. Default: SIGIL_IMAGE, or the value of sigil configure.",
  required: true,
};
export const VERSION: Option = {
  names: ["--gallery-image-version", "-e", "--gallery-image-version-name"],
  help: "Version number: major.minor.patch.",
  required: true,
};
export const GALLERY_PLACE = [GROUP, GALLERY] as const;
export const IMAGE_PLACE = [...GALLERY_PLACE, IMAGE] as const;
export const VERSION_PLACE = [...IMAGE_PLACE, VERSION] as const;

export function galleryIn({ values, subscriptionId }: Context) {
  return {
    subscriptionId: subscriptionId(),
    resourceGroupName: values.required("--resource-group"),
    galleryName: values.required("--gallery-name"),
  };
}

export function imageIn(context: Context) {
  return {
    ...galleryIn(context),
    imageName: context.values.required("--gallery-image-definition"),
  };
}

export function versionIn(context: Context): ImageVersionPath {
  return {
    ...imageIn(context),
    versionName: context.values.required("--gallery-image-version"),
  };
}

export const IF_MATCH: Option = {
  names: ["--if-match"],
  help: "ETag of the version as you last read it. Sigil refuses the request if the version has changed since.",
};
