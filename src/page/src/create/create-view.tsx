import type { ImageName } from "../routes.js";

export interface CreateViewProps {
  readonly image: ImageName;
  /** The version to change; absent: a new one. */
  readonly version?: string;
}

/** Creates a version, or changes one. Loaded when it is opened. */
export function CreateView({ image, version }: CreateViewProps) {
  return (
    <h1>
      {version === undefined
        ? `New version of ${image.imageName}`
        : `Change ${version} of ${image.imageName}`}
    </h1>
  );
}
