import type { Version } from "../dialogs/action.js";
import { canonicalRegion, namesText, regionCount } from "../geography.js";
import { isInLatest } from "../region-state.js";

/** How far each wave is. */
export function Waves({ version }: { readonly version: Version }) {
  const { promotion, rollout } = version.sigil;
  const waves = promotion?.waves ?? [];
  if (waves.length === 0) return null;
  return (
    <ol class="steps" aria-label="Waves">
      {waves.map((wave, index) => {
        const regions = wave.regions.map(canonicalRegion);
        const isDone = regions.every((name) => isInLatest(version, name));
        const isNow = !isDone && rollout?.wave === index + 1;
        const open = [...(rollout?.missing ?? []), ...(rollout?.failed ?? [])];
        const needed = (wave.results ?? []).filter(
          (name) => !isNow || open.some((one) => one.name === name),
        );
        return (
          <li
            key={index}
            class={isDone ? "done" : isNow ? "now" : undefined}
            {...(isNow && { "aria-current": "step" as const })}
          >
            <b title={regions.join(", ")}>
              Wave {index + 1} · {regionCount(regions.length)}
            </b>
            <span class="muted">
              {isDone
                ? "In latest there"
                : isNow
                  ? `Waits until ${afterText(wave.after)}`
                  : `Begins once ${afterText(wave.after)}`}
              {!isDone && needed.length > 0 && `, needs ${namesText(needed)}`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

type Wave = NonNullable<NonNullable<Version["sigil"]["promotion"]>["waves"]>[number];

function afterText(after: Wave["after"]): string {
  if (after === "manual") return "a person promotes it";
  if (after === "tested") return "its tests have passed";
  const { minutes } = after;
  return `${minutes % 60 === 0 ? `${minutes / 60} h` : `${minutes} min`} have passed since the wave before`;
}
