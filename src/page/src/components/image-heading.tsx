import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { useMay } from "../context.js";
import { Link } from "../navigation.js";
import type { GalleryName, ImageName, Route } from "../routes.js";

/** Where one is: the image definition, and its views. */
export function ImageHeading({
  image,
  current,
  title = image.imageName,
  children,
}: {
  readonly image: ImageName;
  readonly current: Route["view"];
  readonly title?: string;
  readonly children?: ComponentChildren;
}) {
  useTitle(title);
  const mayWrite = useMay("Write");
  return (
    <>
      <Crumbs gallery={image}>
        {current === "version" ? (
          <Link to={{ view: "image", image }}>{image.imageName}</Link>
        ) : (
          <span>{image.imageName}</span>
        )}
      </Crumbs>
      <h1>{title}</h1>
      {current !== "version" && (
        <nav aria-label={image.imageName} class="tabs no-print">
          <Link to={{ view: "image", image }} current={current === "image"}>
            Versions
          </Link>
          <Link
            to={{ view: "retention", image }}
            current={current === "retention"}
          >
            Retention
          </Link>
          <Link to={{ view: "keys", subscriptionId: image.subscriptionId }}>
            Keys
          </Link>
          {mayWrite && (
            <Link to={{ view: "create", image }} class="button primary">
              New version
            </Link>
          )}
          {children}
        </nav>
      )}
    </>
  );
}

/** Where one is: the gallery, and what of it, from the outside inwards. */
export function Crumbs({
  gallery,
  children,
}: {
  readonly gallery: GalleryName;
  readonly children?: ComponentChildren;
}) {
  return (
    <nav aria-label="Place" class="crumbs">
      <Link to={{ view: "home" }}>Images</Link>
      <span>{gallery.subscriptionId}</span>
      <span>{gallery.resourceGroupName}</span>
      {children === undefined ? (
        <span>{gallery.galleryName}</span>
      ) : (
        <Link to={{ view: "gallery", gallery }}>{gallery.galleryName}</Link>
      )}
      {children}
    </nav>
  );
}

/** The window's title: what is shown, so that one finds the tab again. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Sigil`;
  }, [title]);
}
