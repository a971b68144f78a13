import type { ComponentChildren } from "preact";

/** What a list is narrowed by: at once, as it is typed. */
export function FilterForm({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    <form
      class="filters no-print"
      role="search"
      aria-label={label}
      onSubmit={(event) => event.preventDefault()}
    >
      {children}
    </form>
  );
}

export function SearchField({
  label,
  placeholder = label,
  value,
  onChange,
}: {
  readonly label: string;
  readonly placeholder?: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  return (
    <input
      type="search"
      aria-label={label}
      placeholder={placeholder}
      value={value}
      spellcheck={false}
      onInput={(event) => onChange(event.currentTarget.value)}
    />
  );
}

/** One of many. */
export function Select({
  label,
  value,
  options,
  onChange,
}: {
  /** Absent inside a label. */
  readonly label?: string;
  readonly value: string;
  readonly options: readonly (string | readonly [value: string, text: string])[];
  readonly onChange: (value: string) => void;
}) {
  return (
    <select
      class="no-print"
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
    >
      {options.map((option) => {
        const [each, text] = typeof option === "string" ? [option, option] : option;
        return (
          <option key={each} value={each}>
            {text}
          </option>
        );
      })}
    </select>
  );
}

/** Rows of a list that have something in common; the first kind, "", is all. */
export type Kind<Row> = readonly [key: string, name: string, holds: (row: Row) => boolean];

/** The kinds of which there are some, each with its count. */
export function Kinds<Row>({
  label,
  kinds,
  rows,
  value,
  onChange,
}: {
  readonly label: string;
  readonly kinds: readonly Kind<Row>[];
  readonly rows: readonly Row[];
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const options = kinds
    .map(([key, name, holds]) => [key, name, rows.filter(holds).length] as const)
    .filter(([key, , count]) => count > 0 || key === "" || key === value)
    .map(([key, name, count]) => [key, `${name} ${count}`] as const);
  return <Segments label={label} options={options} value={value} onChange={onChange} />;
}

/** Whether a row is of the kind. */
export function kindIn<Row>(kinds: readonly Kind<Row>[], value: string): (row: Row) => boolean {
  return kinds.find(([key]) => key === value)?.[2] ?? (() => true);
}

/** One of a few, each in sight. */
export function Segments<Value extends string>({
  label,
  options,
  value,
  onChange,
}: {
  readonly label: string;
  readonly options: readonly (readonly [Value, text: string])[];
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}) {
  if (options.length < 2) return null;
  return (
    <div class="segments no-print" role="group" aria-label={label}>
      {options.map(([each, text]) => (
        <button
          key={each}
          type="button"
          aria-pressed={each === value}
          onClick={() => onChange(each)}
        >
          {text}
        </button>
      ))}
    </div>
  );
}
