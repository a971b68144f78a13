import type { ComponentChildren } from "preact";
import type { TileState } from "../tile-state.js";
import { Tile } from "./tile.js";

/** One thing that is so, in large; `aside`: what may be done. */
export function Say({
  tile,
  title,
  children,
  aside,
}: {
  readonly tile: TileState;
  readonly title: ComponentChildren;
  readonly children?: ComponentChildren;
  readonly aside?: ComponentChildren;
}) {
  return (
    <div class="say">
      <Tile state={tile} big />
      <div>
        <h2>{title}</h2>
        {children}
      </div>
      {aside}
    </div>
  );
}

/** What is worth knowing beside something else. */
export function Note({
  tone = "",
  tile = "note-mark",
  title,
  role,
  children,
}: {
  readonly tone?: "error" | "warning" | "";
  readonly tile?: TileState;
  readonly title?: string;
  readonly role?: "alert" | "status";
  readonly children: ComponentChildren;
}) {
  return (
    <div class={`note ${tone}`} role={role}>
      <Tile state={tile} />
      <div>
        {title !== undefined && <b>{title}</b>}
        {children}
      </div>
    </div>
  );
}

/** Warns of a deletion that nobody can undo, and says why. */
export function Finality({ children }: { readonly children: ComponentChildren }) {
  return (
    <Note tone="error" title="This cannot be undone">
      <p>{children}</p>
    </Note>
  );
}
