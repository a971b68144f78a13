import type { ComponentChildren } from "preact";
import type { TileState } from "../tile-state.js";

/** The glyph of a state. Without a label it stands next to a word with the same meaning. */
export function Tile({
  state,
  share,
  big = false,
  label,
}: {
  readonly state: TileState;
  /** Percent, of what replicates. */
  readonly share?: number | undefined;
  readonly big?: boolean;
  readonly label?: string;
}) {
  return (
    <i
      class={`tile ${state}${big ? " big" : ""}`}
      style={share === undefined ? undefined : { "--share": `${share}%` }}
      {...(label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    />
  );
}

/** A tile with its word. */
export function StateWord({
  state,
  share,
  children,
}: {
  readonly state: TileState;
  readonly share?: number | undefined;
  readonly children: ComponentChildren;
}) {
  return (
    <span class="state">
      <Tile state={state} share={share} />
      <span>{children}</span>
    </span>
  );
}

/** One state a region, in their order; `apart` begins a geography. One sentence says it all. */
export function Strip({
  label,
  tiles,
}: {
  readonly label: string;
  readonly tiles: readonly {
    readonly state: TileState;
    readonly share?: number | undefined;
    readonly apart?: boolean;
  }[];
}) {
  return (
    <span class="strip" role="img" aria-label={label}>
      {tiles.map(({ state, share, apart }, index) => (
        <i
          key={index}
          class={`tile ${state}${apart === true ? " apart" : ""}`}
          style={share === undefined ? undefined : { "--share": `${share}%` }}
        />
      ))}
    </span>
  );
}

/** Progress, and nothing else. */
export function Bar({
  percent,
  label,
  tone,
}: {
  readonly percent: number;
  readonly label: string;
  readonly tone?: "ready" | "failed" | undefined;
}) {
  return (
    <span
      class={`bar ${tone ?? ""}`}
      role="progressbar"
      aria-valuenow={percent}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-label={label}
      style={{ "--share": `${percent}%` }}
    >
      <i />
    </span>
  );
}
