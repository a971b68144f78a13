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
  | "note-mark";
