import type { ComponentChildren } from "preact";

/** An extra option in a dialog. */
export function Tick({
  checked,
  onChange,
  label,
}: {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly label: ComponentChildren;
}) {
  return (
    <label class="choice">
      <input
        type="checkbox"
        checked={checked}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {label}
    </label>
  );
}

/** Which of these regions. */
export function RegionTicks({
  legend,
  names,
  chosen,
  onChoose,
  textOf = (name) => name,
}: {
  readonly legend: string;
  readonly names: readonly string[];
  readonly chosen: readonly string[];
  readonly onChoose: (chosen: readonly string[]) => void;
  readonly textOf?: (name: string) => ComponentChildren;
}) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {names.map((name) => (
        <Tick
          key={name}
          checked={chosen.includes(name)}
          onChange={(checked) =>
            onChoose(names.filter((each) => (each === name ? checked : chosen.includes(each))))
          }
          label={textOf(name)}
        />
      ))}
    </fieldset>
  );
}

/** The option that a refusal for a region without a latest requires. */
export function NoLatestTick({
  allowed,
  onAllow,
}: {
  readonly allowed: boolean;
  readonly onAllow: (allowed: boolean) => void;
}) {
  return (
    <Tick checked={allowed} onChange={onAllow} label="Leave regions without a latest version" />
  );
}
