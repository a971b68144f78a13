import { Table } from "../components/table.js";
import { Tick } from "../components/tick.js";
import { canonicalRegion, regionCount } from "../geography.js";
import {
  CheckField,
  FieldFindings,
  focusSoon,
  Section,
  SelectField,
  TextField,
  useAnyFindings,
  useField,
  type SectionProps,
} from "./fields.js";
import { waveField } from "./model/fields.js";
import type { Form } from "./model/form.js";
import { EMPTY_WAVE, withRegionsIn, type WaveRow } from "./model/waves.js";

const PROMOTIONS = [
  ["", "In latest from the start"],
  ["allRegionsReady", "Held back until every region is ready"],
  ["regions", "Held back until some regions are ready"],
  ["tested", "Held back until it has passed its tests"],
  ["manual", "Held back until a person promotes it"],
  ["waves", "Promoted in waves of regions"],
] as const;

const AFTER = [
  ["tested", "Once its tests have passed"],
  ["minutes", "Some minutes after the previous wave"],
  ["manual", "When a person promotes it"],
] as const;

/** When the version becomes the latest, and where first. */
export function Latest({ form, change }: SectionProps<Form>) {
  const regions = form.regions
    .map(({ name }) => canonicalRegion(name))
    .filter((name) => name !== "");
  return (
    <Section id="latest">
      <div class="pad">
        <div class="fields">
          <SelectField
            field="promotion"
            label="Promotion"
            wide
            value={form.promoteWhen}
            options={PROMOTIONS.map(([value, text]) => [
              value,
              value === "" && form.exclude ? "Excluded from latest" : text,
            ])}
            onChange={(promoteWhen) =>
              change({
                promoteWhen,
                ...(promoteWhen === "waves" &&
                  form.waves.length === 0 && {
                    // The first region goes ahead; the rest follows.
                    waves: [regions.slice(0, 1), regions.slice(1)]
                      .filter((names) => names.length > 0)
                      .map((names) => ({ ...EMPTY_WAVE, regions: names })),
                  }),
              })
            }
          />
          {(form.promoteWhen === "regions" || form.promoteWhen === "tested") && (
            <TextField
              field="promote-regions"
              label="Regions to wait for"
              hint={
                form.promoteWhen === "tested" ? "Every target region, if there is none." : undefined
              }
              value={form.promoteRegions}
              placeholder={regions.join(", ")}
              onChange={(promoteRegions) => change({ promoteRegions })}
            />
          )}
        </div>
        {form.promoteWhen === "" && (
          <CheckField
            field="exclude"
            label="Exclude from latest"
            value={form.exclude}
            onChange={(exclude) => change({ exclude })}
          />
        )}
      </div>
      {form.promoteWhen === "waves" && <Waves form={form} change={change} />}
    </Section>
  );
}

function Waves({ form: { waves, rollBack, exists }, change }: SectionProps<Form>) {
  const set = (index: number, changed: Partial<WaveRow>): void =>
    change({
      waves: waves.map((wave, i) => (i === index ? { ...wave, ...changed } : wave)),
    });
  return (
    <>
      <Table
        caption="Waves"
        class="cards waves"
        columns={[
          ...["Wave", "Regions", "Begins", "Needs the tests"],
          { title: "Remove", hidden: true },
        ]}
      >
        {waves.map((wave, index) => (
          <Wave
            key={index}
            wave={wave}
            place={index}
            set={(changed) => set(index, changed)}
            remove={() => {
              change({ waves: waves.filter((_wave, i) => i !== index) });
              focusSoon("promotion");
            }}
          />
        ))}
      </Table>
      <div class="pad">
        <p class="row">
          <button
            type="button"
            onClick={() => {
              change({ waves: [...waves, EMPTY_WAVE] });
              focusSoon(waveField(waves.length));
            }}
          >
            Add a wave
          </button>
          <span class="muted small">
            {exists
              ? "Waves are those of a new version: others than it has are refused."
              : "Each region says in which wave it is."}
          </span>
        </p>
        <Tick
          checked={rollBack}
          onChange={(checked) => change({ rollBack: checked })}
          label="If a test fails, exclude it from latest everywhere"
        />
      </div>
    </>
  );
}

function Wave({
  wave: { regions, after, minutes, results },
  place,
  set,
  remove,
}: {
  readonly wave: WaveRow;
  readonly place: number;
  readonly set: (changed: Partial<WaveRow>) => void;
  readonly remove: () => void;
}) {
  const number = place + 1;
  const field = waveField(place);
  const { "aria-invalid": _, ...described } = useField(field);
  return (
    <>
      <tr {...described} tabIndex={-1}>
        <th scope="row">Wave {number}</th>
        <td data-label="Regions" title={regions.join(", ")}>
          {regions.length === 0 ? "none" : regionCount(regions.length)}
        </td>
        <td data-label="Begins">
          <span class="row">
            <select
              aria-label={`When wave ${number} begins`}
              value={after}
              onChange={(event) => set({ after: event.currentTarget.value as WaveRow["after"] })}
            >
              {after === "" && <option value="">As the JSON says</option>}
              {AFTER.map(([value, label]) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
            {after === "minutes" && (
              <input
                aria-label={`Minutes before wave ${number}`}
                inputMode="numeric"
                placeholder="minutes"
                value={minutes}
                onInput={(event) => set({ minutes: event.currentTarget.value })}
              />
            )}
          </span>
        </td>
        <td data-label="Needs the tests">
          <input
            aria-label={`Tests of wave ${number}`}
            placeholder={after === "tested" ? "sigil/machine" : "no test"}
            value={results}
            onInput={(event) => set({ results: event.currentTarget.value })}
          />
        </td>
        <td class="end">
          <button
            type="button"
            class="subtle small"
            aria-label={`Remove wave ${number}`}
            onClick={remove}
          >
            ✕
          </button>
        </td>
      </tr>
      <FindingsRow fields={[field]} columns={5} />
    </>
  );
}

/** The findings of a row, in a row below it. */
export function FindingsRow({
  fields,
  columns,
}: {
  readonly fields: readonly string[];
  readonly columns: number;
}) {
  if (!useAnyFindings(fields)) return null;
  return (
    <tr class="found">
      <td colSpan={columns}>
        {fields.map((field) => (
          <FieldFindings key={field} field={field} />
        ))}
      </td>
    </tr>
  );
}

/** The select of a region's wave: a region is in one. */
export function WaveSelect({
  form,
  names,
  place,
  label,
  change,
}: SectionProps<Form> & {
  readonly names: readonly string[];
  readonly place: number | undefined;
  readonly label: string;
}) {
  return (
    <select
      aria-label={label}
      value={place ?? ""}
      onChange={(event) => {
        const { value } = event.currentTarget;
        change({
          waves: withRegionsIn(form.waves, names, value === "" ? undefined : Number(value)),
        });
      }}
    >
      <option value="">–</option>
      {form.waves.map((_wave, index) => (
        <option key={index} value={index}>
          {index + 1}
        </option>
      ))}
    </select>
  );
}
