import { useState } from "preact/hooks";
import { canonicalRegion, geographiesOf } from "../geography.js";
import type { Form } from "./model/form.js";
import { regionsIn } from "./model/regions.js";

/** Many at once: names, or a geography. */
export function AddRegions({
  form,
  known,
  add,
}: {
  readonly form: Form;
  /** Regions to offer; another may be typed. */
  readonly known: readonly string[];
  readonly add: (names: readonly string[]) => void;
}) {
  const [text, setText] = useState("");
  const open = known.filter(
    (name) => !form.regions.some((region) => canonicalRegion(region.name) === name),
  );
  const take = (): void => {
    const names = regionsIn(text, known).filter(
      (name) => !form.regions.some((region) => canonicalRegion(region.name) === name),
    );
    setText("");
    if (names.length > 0) add(names);
  };
  return (
    <div class="row">
      <datalist id="known-regions">
        {[...geographiesOf(open).map(({ name }) => name), ...open].map((name) => (
          <option key={name} value={name} />
        ))}
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
          take();
        }}
        // Text that was typed and left counts as entered.
        onBlur={take}
      />
      <button type="button" onClick={take}>
        Add
      </button>
    </div>
  );
}
