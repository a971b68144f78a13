import {
  CheckField,
  FieldFindings,
  Section,
  SelectField,
  TextField,
  useField,
  type SectionProps,
} from "./fields.js";
import { canonicalRegion, EMPTY_WAVE, type Form } from "./model/form.js";

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
  ["waves", "Promoted in waves of regions"],
] as const;

const AFTER = [
  ["tested", "once its tests have passed there"],
  ["minutes", "some minutes after the one before"],
  ["manual", "when somebody promotes it"],
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
          options={PROMOTIONS}
          onChange={(promoteWhen) =>
            change({
              promoteWhen,
              ...(promoteWhen === "waves" &&
                form.waves.length === 0 && {
                  waves: regions.map((name) => ({
                    ...EMPTY_WAVE,
                    regions: canonicalRegion(name),
                  })),
                }),
            })
          }
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
      {form.promoteWhen === "waves" && <Waves form={form} change={change} />}
      <Tags form={form} change={change} />
    </Section>
  );
}

function Waves({
  form: { waves, rollBack, exists },
  change,
}: SectionProps<Form>) {
  const set = (index: number, changed: Partial<Form["waves"][number]>): void =>
    change({
      waves: waves.map((wave, i) =>
        i === index ? { ...wave, ...changed } : wave,
      ),
    });
  return (
    <fieldset>
      <legend>Waves</legend>
      <p class="hint">
        {exists
          ? "Waves are those of a new version: others than it has are refused."
          : "Each target region is in one wave."}
      </p>
      <div class="row">
        <label class="choice">
          <input
            type="checkbox"
            checked={rollBack}
            onChange={(event) =>
              change({ rollBack: event.currentTarget.checked })
            }
          />
          Take it back from every region where a test fails
        </label>
      </div>
      {waves.map(({ regions, after, minutes, results }, index) => (
        <div class="row" key={index}>
          <input
            aria-label={`Regions of wave ${index + 1}`}
            placeholder="westus, eastus2"
            value={regions}
            onInput={(event) =>
              set(index, { regions: event.currentTarget.value })
            }
          />
          <select
            aria-label={`When wave ${index + 1} comes`}
            value={after}
            onChange={(event) =>
              set(index, { after: event.currentTarget.value as typeof after })
            }
          >
            {after === "" && <option value="">as the JSON says</option>}
            {AFTER.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          {after === "minutes" && (
            <input
              aria-label={`Minutes before wave ${index + 1}`}
              inputMode="numeric"
              value={minutes}
              onInput={(event) =>
                set(index, { minutes: event.currentTarget.value })
              }
            />
          )}
          <input
            aria-label={`Tests of wave ${index + 1}`}
            placeholder={after === "tested" ? "sigil/machine" : "no test"}
            value={results}
            onInput={(event) =>
              set(index, { results: event.currentTarget.value })
            }
          />
          <button
            type="button"
            class="subtle"
            aria-label={`Remove wave ${index + 1}`}
            onClick={() =>
              change({ waves: waves.filter((_wave, i) => i !== index) })
            }
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        onClick={() => change({ waves: [...waves, EMPTY_WAVE] })}
      >
        Add a wave
      </button>
    </fieldset>
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
