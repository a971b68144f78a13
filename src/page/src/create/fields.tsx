/** The controls of the form. A finding stands at its field, and describes it to screen readers. */
import { createContext, type ComponentChildren } from "preact";
import { useContext, useState } from "preact/hooks";
import { Card } from "../components/card.js";
import { FindingText } from "../components/problem.js";
import { Tile } from "../components/tile.js";
import { fieldName, isError, SECTIONS, type Placed } from "./model/fields.js";
import type { Form } from "./model/form.js";

export const FindingsContext = createContext<readonly Placed[]>([]);

function useFindings(field: string): readonly Placed[] {
  return useContext(FindingsContext).filter((found) => found.field === field);
}

/** Of what is found of a field, the place from 0 on. */
const idOf = (field: string, place = 0): string =>
  place === 0 ? `${field}-findings` : `${field}-findings-${place}`;

/** The attributes of a field's element. */
export function useField(field: string): {
  readonly id: string;
  readonly "aria-describedby"?: string;
  readonly "aria-invalid": boolean;
} {
  const findings = useFindings(field);
  return {
    id: field,
    ...(findings.length > 0 && {
      "aria-describedby": findings.map((_, place) => idOf(field, place)).join(" "),
    }),
    "aria-invalid": findings.some(isError),
  };
}

export function FieldFindings({ field }: { readonly field: string }) {
  const findings = useFindings(field);
  if (findings.length === 0) return null;
  return (
    <div class="findings">
      {findings.map((found, index) => (
        <FindingNote key={index} id={idOf(field, index)} found={found} />
      ))}
    </div>
  );
}

export function FindingNote({ id, found }: { readonly id?: string; readonly found: Placed }) {
  return (
    <div id={id} class={`note ${found.severity ?? "error"}`}>
      <Tile state="note-mark" />
      <FindingText finding={{ ...found, pointer: "" }} />
    </div>
  );
}

/** Findings that are shown at once of a code; the others are folded. */
const MOST_SHOWN = 3;

/** What is found in the rows of a table, above it: a note a code, so that no row moves. */
export function RowNotes({ form, fields }: { readonly form: Form; readonly fields: RegExp }) {
  const found = useContext(FindingsContext).filter(({ field = "" }) => fields.test(field));
  const codes = [...new Set(found.map(({ code }) => code))];
  const line = (one: Placed) => {
    const { field = "" } = one;
    const place = found.filter((each) => each.field === field).indexOf(one);
    return (
      <div key={idOf(field, place)} id={idOf(field, place)}>
        <FieldLink form={form} field={field} /> <FindingText finding={{ ...one, pointer: "" }} />
      </div>
    );
  };
  return (
    <>
      {codes.map((code) => {
        const all = found.filter((one) => one.code === code);
        const more = all.slice(MOST_SHOWN);
        return (
          <div key={code} class={`note ${all[0]?.severity ?? "error"}`}>
            <Tile state="note-mark" />
            <div>
              {all.slice(0, MOST_SHOWN).map(line)}
              {more.length > 0 && (
                <details>
                  <summary>and {more.length} more</summary>
                  {more.map(line)}
                </details>
              )}
            </div>
          </div>
        );
      })}
    </>
  );
}

/** Leads to a field by its name. */
export function FieldLink({ form, field }: { readonly form: Form; readonly field: string }) {
  return (
    <a
      href={`#${field}`}
      onClick={(event) => {
        event.preventDefault();
        focusField(field);
      }}
    >
      {fieldName(form, field)}
    </a>
  );
}

export const headingId = (sectionId: string): string => `section-${sectionId}`;

/** Goes to a field, or to its section where it is not shown. */
export function focusField(field: string): void {
  const element =
    document.getElementById(field) ??
    document.getElementById(
      headingId(SECTIONS.find(({ fields }) => fields.test(field))?.id ?? "basics"),
    );
  element?.scrollIntoView({ block: "center" });
  element?.focus({ preventScroll: true });
}

/**
 * Focuses a field that a change is about to show, so that keyboard users stay where something
 * happens.
 */
export function focusSoon(field: string): void {
  setTimeout(() => focusField(field));
}

/** What is typed, for as long as it means the value: a list while its next comma is typed, say. */
export function useTyped<Value, Typed>(
  value: Value,
  show: (value: Value) => Typed,
  read: (typed: Typed) => Value,
): readonly [typed: Typed, type: (typed: Typed) => Value] {
  const [last, setLast] = useState<{ readonly typed: Typed }>();
  const isMeant = last && JSON.stringify(read(last.typed)) === JSON.stringify(value);
  return [
    isMeant ? last.typed : show(value),
    (typed) => {
      setLast({ typed });
      return read(typed);
    },
  ];
}

interface Labelled {
  readonly field: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
}

export function TextField({
  field,
  label,
  hint,
  value,
  onChange,
  onBlur,
  ...attributes
}: Labelled & {
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly onBlur?: () => void;
  readonly type?: "text" | "date" | "number";
  readonly list?: string;
  readonly placeholder?: string;
  readonly min?: number;
  readonly max?: number;
  readonly wide?: boolean;
}) {
  const { wide, ...rest } = attributes;
  return (
    <div class={wide === true ? "field wide" : "field"}>
      <label for={field}>{label}</label>
      <input
        {...useField(field)}
        {...rest}
        value={value}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => onChange(event.currentTarget.value)}
        onBlur={onBlur}
      />
      {hint !== undefined && <div class="sub">{hint}</div>}
      <FieldFindings field={field} />
    </div>
  );
}

/** A day, chosen in a calendar. What is no day is shown as it is. */
export function DateField({
  value,
  ...rest
}: Labelled & {
  readonly value: string;
  readonly onChange: (value: string) => void;
}) {
  const day = /^\d{4}-\d{2}-\d{2}(?=$|T)/iu.exec(value)?.[0];
  return day === undefined && value !== "" ? (
    <TextField {...rest} value={value} />
  ) : (
    <TextField {...rest} type="date" value={day ?? ""} />
  );
}

export function SelectField<Value extends string>({
  field,
  label,
  hint,
  value,
  options,
  wide = false,
  onChange,
}: Labelled & {
  readonly wide?: boolean;
  readonly value: Value;
  readonly options: readonly (readonly [Value, string])[];
  readonly onChange: (value: Value) => void;
}) {
  // A value that the form does not know is shown as it is.
  const all = options.some(([each]) => each === value)
    ? options
    : [...options, [value, value] as const];
  return (
    <div class={wide ? "field wide" : "field"}>
      <label for={field}>{label}</label>
      <select
        {...useField(field)}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value as Value)}
      >
        {all.map(([each, text]) => (
          <option key={each} value={each}>
            {text}
          </option>
        ))}
      </select>
      {hint !== undefined && <div class="sub">{hint}</div>}
      <FieldFindings field={field} />
    </div>
  );
}

export function CheckField({
  field,
  label,
  hint,
  value,
  onChange,
}: Labelled & {
  readonly value: boolean;
  readonly onChange: (value: boolean) => void;
}) {
  return (
    <div class="field">
      <label class="check">
        <input
          {...useField(field)}
          type="checkbox"
          checked={value}
          onChange={(event) => onChange(event.currentTarget.checked)}
        />{" "}
        {label}
      </label>
      {hint !== undefined && <div class="sub">{hint}</div>}
      <FieldFindings field={field} />
    </div>
  );
}

/** A part of the form; its heading takes the focus that leads to it. */
export function Section({
  id,
  said,
  children,
}: {
  readonly id: (typeof SECTIONS)[number]["id"];
  /** In a few words, how it stands. */
  readonly said?: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  return (
    <Card
      id={headingId(id)}
      title={SECTIONS.find((section) => section.id === id)?.name}
      aside={said !== undefined && <span class="muted small">{said}</span>}
    >
      {children}
    </Card>
  );
}

/** The props of every section. */
export interface SectionProps<Of> {
  readonly form: Of;
  /** A function is given the form as it is by then: two changes may come before either is shown. */
  readonly change: (changed: Partial<Of> | ((form: Of) => Partial<Of>)) => void;
}
