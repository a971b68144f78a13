/** What a tile says; each has a shape of its own. */
export type TileState =
  | "latest"
  | "ready"
  | "done"
  | "replicating"
  | "held"
  | "excluded"
  | "failed"
  | "risk"
  | "absent"
  /** Nobody has seen it yet: never green. */
  | "unseen"
  | "note-mark";
