import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import type { Live } from "../live.js";
import { LiveDot, LiveState } from "./live.js";
import { Link } from "../navigation.js";
import type { GalleryName, ImageName } from "../routes.js";

/** Where one is, what it is, and what may be done. */
export function Head({
  title,
  crumbs,
  live,
  meta,
  children,
}: {
  readonly title: string;
  /** What is shown below: how old it is, and why nothing newer has come. */
  readonly live?: Live<unknown>;
  readonly crumbs?: ComponentChildren;
  readonly meta?: ComponentChildren;
  /** Buttons. */
  readonly children?: ComponentChildren;
}) {
  useTitle(title);
  return (
    <>
      <div class="head">
        <div>
          {crumbs}
          <h1>{title}</h1>
          {(live ?? meta) !== undefined && (
            <p class="muted small">
              {live && <LiveDot live={live} />}
              {meta}
            </p>
          )}
        </div>
        {children}
      </div>
      {live && <LiveState live={live} />}
    </>
  );
}

/** From the outside inwards; where one is stands below, as the heading. */
export function Crumbs({
  gallery,
  image,
  version,
}: {
  readonly gallery?: GalleryName;
  readonly image?: ImageName;
  /** Of the image. */
  readonly version?: string | undefined;
}) {
  return (
    <nav aria-label="Place" class="crumbs">
      <span>
        <Link to={{ view: "home" }}>Overview</Link>
      </span>
      {gallery !== undefined && (
        <span title={`${gallery.subscriptionId}, ${gallery.resourceGroupName}`}>
          <Link to={{ view: "gallery", gallery }}>{gallery.galleryName}</Link>
        </span>
      )}
      {image !== undefined && (
        <span>
          <Link to={{ view: "image", image }}>{image.imageName}</Link>
        </span>
      )}
      {image !== undefined && version !== undefined && (
        <span>
          <Link to={{ view: "version", image, version }}>{version}</Link>
        </span>
      )}
    </nav>
  );
}

/** The window's title: what is shown, so that one finds the tab again. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Sigil`;
  }, [title]);
}
