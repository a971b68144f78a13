import { capital, inWords } from "../operations.js";
import { StateWord } from "./tile.js";
import type { TileState } from "../tile-state.js";

/** States of operations, versions, sets and tests, as tiles. */
const TILES: Readonly<Record<string, TileState>> = {
  Completed: "ready",
  Succeeded: "done",
  Deleted: "done",
  Registered: "done",
  passed: "done",
  Replicating: "replicating",
  Running: "replicating",
  NotStarted: "held",
  Accepted: "replicating",
  Creating: "replicating",
  Updating: "replicating",
  Deleting: "replicating",
  DeletionRequested: "replicating",
  Registering: "replicating",
  Requested: "held",
  RollbackRequested: "replicating",
  RollingBack: "replicating",
  TestRequested: "replicating",
  Testing: "replicating",
  Failed: "failed",
  failed: "failed",
  inconclusive: "note-mark",
  Canceled: "excluded",
  Canceling: "held",
  Waiting: "held",
};

export function tileOf(state: string): TileState {
  return TILES[state] ?? "absent";
}

/** A state as a glyph and a word; never as a color alone. */
export function State({
  state,
  text = wordOf(state),
  share,
}: {
  readonly state: string;
  readonly text?: string;
  readonly share?: number | undefined;
}) {
  return (
    <StateWord state={tileOf(state)} share={share}>
      {text}
    </StateWord>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  NotStarted: "Not begun",
  Completed: "Ready",
};

function wordOf(state: string): string {
  return WORDS[state] ?? capital(inWords(state));
}
