import {
  CheckField,
  FieldFindings,
  Section,
  SelectField,
  TextField,
  useField,
  type SectionProps,
} from "./fields.js";
import { canonicalRegion, type Form } from "./model/form.js";

const INCREMENTS = [
  ["patch", "the next patch"],
  ["minor", "the next minor"],
  ["major", "the next major"],
] as const;

const PROMOTIONS = [
  ["", "In latest from the start"],
  ["allRegionsReady", "Held back until every region is ready"],
  ["regions", "Held back until some regions are ready"],
  ["tested", "Held back until it has passed its tests"],
  ["manual", "Held back until somebody promotes it"],
] as const;

export function Basics({
  form,
  next,
  change,
}: SectionProps<Form> & { readonly next: string }) {
  const regions = form.regions
    .map(({ name }) => name.trim())
    .filter((name) => name !== "");
  return (
    <Section id="basics">
      {!form.exists && (
        <div class="row">
          <TextField
            field="version"
            label="Version"
            value={form.version}
            placeholder={next}
            hint="Three numbers; empty for the next one."
            onChange={(version) => change({ version: version.trim() })}
          />
          {form.version === "" && (
            <SelectField
              field="increment"
              label="Number"
              value={form.increment}
              options={INCREMENTS}
              hint={`It will be ${next}, unless somebody is faster.`}
              onChange={(increment) => change({ increment })}
            />
          )}
        </div>
      )}
      <div class="row">
        {form.exists ? (
          <div class="field">
            <span class="label">Location</span>
            <span id="location" tabIndex={-1}>
              {form.location}
            </span>
            <FieldFindings field="location" />
          </div>
        ) : (
          <SelectField
            field="location"
            label="Location"
            value={form.location}
            options={[
              [
                "",
                regions[0] === undefined
                  ? "The first region"
                  : `The first region: ${regions[0]}`,
              ],
              ...regions
                .filter((name, i) => regions.indexOf(name) === i)
                .map((name) => [name, name] as const),
            ]}
            hint="The region that the source is in."
            onChange={(location) => change({ location })}
          />
        )}
        <SelectField
          field="promotion"
          label="Promotion"
          value={form.promoteWhen}
          options={
            // Waves are written in the JSON.
            form.promoteWhen === "waves"
              ? [...PROMOTIONS, ["waves", "Promoted in waves"] as const]
              : PROMOTIONS
          }
          onChange={(promoteWhen) => change({ promoteWhen })}
        />
        {(form.promoteWhen === "regions" || form.promoteWhen === "tested") && (
          <TextField
            field="promote-regions"
            label="Regions to wait for"
            hint={
              form.promoteWhen === "tested"
                ? "Every target region, if there is none."
                : undefined
            }
            value={form.promoteRegions}
            placeholder={regions.map(canonicalRegion).join(", ")}
            onChange={(promoteRegions) => change({ promoteRegions })}
          />
        )}
        <TextField
          field="end-of-life"
          label="End of life"
          value={form.endOfLife}
          placeholder="2030-12-01"
          hint="A date, or a time as RFC 3339 has it."
          onChange={(endOfLife) => change({ endOfLife: endOfLife.trim() })}
        />
      </div>
      <div class="row">
        <CheckField
          field="exclude"
          label="Exclude from latest"
          value={form.exclude}
          onChange={(exclude) => change({ exclude })}
        />
        <CheckField
          field="safety"
          label="Block deletion before the end of life"
          value={form.blockDeletion}
          onChange={(blockDeletion) => change({ blockDeletion })}
        />
      </div>
      <Tags form={form} change={change} />
    </Section>
  );
}

function Tags({ form: { tags }, change }: SectionProps<Form>) {
  const { "aria-invalid": _, ...described } = useField("tags");
  const set = (index: number, changed: Partial<Form["tags"][number]>): void =>
    change({
      tags: tags.map((tag, i) => (i === index ? { ...tag, ...changed } : tag)),
    });
  return (
    <fieldset {...described} tabIndex={-1}>
      <legend>Tags</legend>
      {tags.map((tag, index) => (
        <div class="row" key={index}>
          <input
            aria-label={`Name of tag ${index + 1}`}
            value={tag.name}
            onInput={(event) => set(index, { name: event.currentTarget.value })}
          />
          <input
            aria-label={`Value of tag ${index + 1}`}
            value={tag.value}
            onInput={(event) =>
              set(index, { value: event.currentTarget.value })
            }
          />
          <button
            type="button"
            class="subtle"
            aria-label={`Remove tag ${tag.name || index + 1}`}
            onClick={() =>
              change({ tags: tags.filter((_tag, i) => i !== index) })
            }
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() => change({ tags: [...tags, { name: "", value: "" }] })}
      >
        Add a tag
      </button>
      <FieldFindings field="tags" />
    </fieldset>
  );
}
