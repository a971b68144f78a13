import type { ComponentChildren } from "preact";
import { Tile } from "../components/tile.js";

/** Warns of a deletion that nobody can undo, and says why. */
export function Finality({ children }: { readonly children: ComponentChildren }) {
  return (
    <div class="note error">
      <Tile state="note-mark" />
      <div>
        <b>This cannot be undone</b>
        <p>{children}</p>
      </div>
    </div>
  );
}
