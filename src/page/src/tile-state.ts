/** The states of a tile; each has its own shape. */
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
  /** Not seen yet: never green. */
  | "unseen"
  | "note-mark";
