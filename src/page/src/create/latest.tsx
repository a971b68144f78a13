import { Table } from "../components/table.js";
import { Tick } from "../components/tick.js";
import { canonicalRegion, regionCount } from "../geography.js";
import {
  focusSoon,
  RowNotes,
  Section,
  SelectField,
  TextField,
  useField,
  useTyped,
  type SectionProps,
} from "./fields.js";
import { waveField } from "./model/fields.js";
import {
  EXCLUDE,
  isExcluded,
  PROMOTION,
  promoteWhen,
  setting,
  wavesOf,
  type Form,
} from "./model/form.js";
import {
  at,
  namesIn,
  numberOf,
  objectIn,
  orUndefined,
  textIn,
  textsIn,
  without,
  type Json,
  type JsonObject,
} from "./model/json.js";
import { withRegionsIn } from "./model/waves.js";

const WAVES = `${PROMOTION}/waves`;
const emptyWave = (regions: readonly string[]): JsonObject => ({ regions, after: "tested" });

const ANSWERS = [
  ["", "As soon as a region is ready"],
  ["allRegionsReady", "When all regions are ready"],
  ["tested", "When its tests have passed"],
  ["waves", "In waves"],
  ["manual", "When someone promotes it"],
] as const;
/** A flag without a rule: offered where the version has it. */
const EXCLUDED = ["excluded", "Excluded from latest"] as const;

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
  const when = promoteWhen(form);
  const isFlagged = when === "" && isExcluded(form);
  const answer = isFlagged ? "excluded" : when === "regions" ? "allRegionsReady" : when;
  const answers: readonly (readonly [string, string])[] = [
    ...ANSWERS,
    ...(isFlagged || form.exists ? [EXCLUDED] : []),
  ];
  const named = useTyped(
    textsIn(at(form.body, PROMOTION), "regions"),
    (names) => names.join(", "),
    namesIn,
  );
  return (
    <Section id="latest">
      <div class="pad">
        <div class="fields">
          <SelectField
            field="promotion"
            label="When it becomes the latest"
            wide
            value={answer}
            options={answers}
            onChange={(chosen) =>
              change((now) => {
                const { body } = setting(EXCLUDE, chosen === "excluded" || undefined)(now);
                return setting(PROMOTION, ruleFor(chosen, regions))({ body });
              })
            }
          />
          {(answer === "allRegionsReady" || answer === "tested") && (
            <TextField
              field="promote-regions"
              label="Regions to wait for"
              hint="All, if there is none."
              value={named[0]}
              placeholder={regions.join(", ")}
              onChange={(text) => {
                const names = orUndefined(named[1](text));
                const waits = names === undefined ? "allRegionsReady" : "regions";
                change((now) =>
                  setting(
                    `${PROMOTION}/regions`,
                    names,
                  )(
                    when === "tested"
                      ? now
                      : { ...now, ...setting(`${PROMOTION}/when`, waits)(now) },
                  ),
                );
              }}
            />
          )}
        </div>
      </div>
      {when === "waves" && <Waves form={form} change={change} />}
    </Section>
  );
}

/** What a rule begins with. */
function ruleFor(when: string, regions: readonly string[]): JsonObject | undefined {
  switch (when) {
    case "":
    case "excluded":
      return undefined;
    case "waves":
      // The first region goes ahead; the rest follows.
      return {
        when,
        waves: [regions.slice(0, 1), regions.slice(1)]
          .filter((names) => names.length > 0)
          .map(emptyWave),
      };
    default:
      return { when };
  }
}

/** The change that puts regions into a wave alone; undefined: into none. */
export function inWave(form: Form, names: readonly string[], place: number | undefined) {
  const waves = orUndefined(withRegionsIn(wavesOf(form), names, place));
  return waves === undefined ? {} : setting(WAVES, waves)(form);
}

function Waves({ form, change }: SectionProps<Form>) {
  const waves = wavesOf(form);
  const to = (changed: readonly JsonObject[]): void => change(setting(WAVES, changed));
  return (
    <>
      <div class="pad">
        <RowNotes form={form} fields={/^wave-/u} />
      </div>
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
            set={(member, value) =>
              to(
                waves.map((each, i) =>
                  i !== index
                    ? each
                    : value === undefined
                      ? without(each, member)
                      : { ...each, [member]: value },
                ),
              )
            }
            remove={() => {
              to(waves.filter((_wave, i) => i !== index));
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
              to([...waves, emptyWave([])]);
              focusSoon(waveField(waves.length));
            }}
          >
            Add a wave
          </button>
          <span class="muted small">
            {form.exists
              ? "Waves are those of a new version: others than it has are refused."
              : "Each region says in which wave it is."}
          </span>
        </p>
        <Tick
          checked={at(form.body, `${PROMOTION}/onFailure`) === "rollBack"}
          onChange={(on) => change(setting(`${PROMOTION}/onFailure`, on ? "rollBack" : undefined))}
          label="If a test fails, exclude it from latest everywhere"
        />
      </div>
    </>
  );
}

function Wave({
  wave,
  place,
  set,
  remove,
}: {
  readonly wave: JsonObject;
  readonly place: number;
  readonly set: (member: string, value: Json | undefined) => void;
  readonly remove: () => void;
}) {
  const number = place + 1;
  const regions = textsIn(wave, "regions");
  const isTimed = "minutes" in objectIn(wave, "after");
  const after = isTimed ? "minutes" : textIn(wave, "after");
  const [results, type] = useTyped(textsIn(wave, "results"), (names) => names.join(", "), namesIn);
  const field = waveField(place);
  const { "aria-invalid": _, ...described } = useField(field);
  return (
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
            onChange={({ currentTarget: { value } }) =>
              set("after", value === "minutes" ? { minutes: null } : value)
            }
          >
            {!AFTER.some(([each]) => each === after) && (
              <option value={after}>As the JSON says</option>
            )}
            {AFTER.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
          {isTimed && (
            <input
              aria-label={`Minutes before wave ${number}`}
              inputMode="numeric"
              placeholder="minutes"
              value={textIn(wave["after"], "minutes")}
              onInput={(event) =>
                set("after", { minutes: numberOf(event.currentTarget.value) ?? null })
              }
            />
          )}
        </span>
      </td>
      <td data-label="Needs the tests">
        <input
          aria-label={`Tests of wave ${number}`}
          placeholder={after === "tested" ? "sigil/machine" : "no test"}
          value={results}
          onInput={(event) => set("results", orUndefined(type(event.currentTarget.value)))}
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
        change((now) => inWave(now, names, value === "" ? undefined : Number(value)));
      }}
    >
      <option value="">–</option>
      {wavesOf(form).map((_wave, index) => (
        <option key={index} value={index}>
          {index + 1}
        </option>
      ))}
    </select>
  );
}
