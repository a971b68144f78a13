import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Problem } from "../components/problem.js";
import { canonicalRegion, geographiesOf } from "../geography.js";
import type { SectionProps } from "./fields.js";
import { withRegions, type Form } from "./model/form.js";
import { regionsIn } from "./model/regions.js";
import { errorOf } from "../retry.js";

/** Many at once: names, or a geography. */
export function AddRegions({
  form,
  known,
  change,
  children,
}: SectionProps<Form> & {
  /** Regions to offer; another may be typed. */
  readonly known: readonly string[];
  readonly children: ComponentChildren;
}) {
  const [text, setText] = useState("");
  const open = known.filter(
    (name) =>
      !form.regions.some((region) => canonicalRegion(region.name) === name),
  );
  const add = (): void => {
    const names = regionsIn(text, known).filter(
      (name) =>
        !form.regions.some((region) => canonicalRegion(region.name) === name),
    );
    setText("");
    if (names.length > 0) change(withRegions(form, names));
  };
  return (
    <div class="row">
      <datalist id="known-regions">
        {[...geographiesOf(open).map(({ name }) => name), ...open].map(
          (name) => (
            <option key={name} value={name} />
          ),
        )}
      </datalist>
      <input
        id="add-regions"
        class="grow"
        aria-label="Add regions"
        list="known-regions"
        placeholder="Add regions: a name, several, or a geography"
        value={text}
        spellcheck={false}
        autocomplete="off"
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Enter") return;
          event.preventDefault();
          add();
        }}
        // What was typed and left is meant.
        onBlur={add}
      />
      <button type="button" onClick={add}>
        Add
      </button>
      {children}
    </div>
  );
}

/** Regions, keys and promotion as another version has them. */
export function CopyFrom({
  names,
  copy,
}: {
  readonly names: readonly string[];
  readonly copy: (version: string) => Promise<void>;
}) {
  const [version = "", setVersion] = useState(names[0]);
  const [said, setSaid] = useState("");
  const [error, setError] = useState<Error>();
  return (
    <>
      <select
        class="version-choice"
        aria-label="Version to copy from"
        value={version}
        onChange={(event) => setVersion(event.currentTarget.value)}
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <button
        type="button"
        title="Its regions, keys and promotion"
        onClick={() => {
          setSaid(`Reading ${version}…`);
          setError(undefined);
          copy(version).then(
            () => setSaid(`Regions, keys and promotion are as in ${version}.`),
            (cause: unknown) => {
              setSaid("");
              setError(errorOf(cause));
            },
          );
        }}
      >
        Copy from {version}
      </button>
      <span role="status" class="muted small">
        {said}
      </span>
      {error && <Problem error={error} />}
    </>
  );
}
