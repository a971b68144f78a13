/** Something that a person says besides. */
export function Tick({
  checked,
  onChange,
  label,
}: {
  readonly checked: boolean;
  readonly onChange: (checked: boolean) => void;
  readonly label: string;
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

/** What a refusal for a region without a latest asks for. */
export function NoLatestTick({
  allowed,
  onAllow,
}: {
  readonly allowed: boolean;
  readonly onAllow: (allowed: boolean) => void;
}) {
  return (
    <Tick
      checked={allowed}
      onChange={onAllow}
      label="Leave regions without a latest version"
    />
  );
}
