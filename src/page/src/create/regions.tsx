import { canonicalRegion, geographiesOf, regionCount } from "../geography.js";
import { TableHead } from "../components/table.js";
import type { ImageName } from "../routes.js";
import {
  FieldFindings,
  focusSoon,
  RowNotes,
  Section,
  useField,
  type SectionProps,
} from "./fields.js";
import { AddRegions } from "./add-regions.js";
import { inWave, WaveSelect } from "./latest.js";
import { regionField } from "./model/fields.js";
import {
  calledRegion,
  diskName,
  disksOf,
  promoteWhen,
  textAt,
  wavesOf,
  type Form,
  type RegionRow,
} from "./model/form.js";
import { STORAGE_TYPES } from "./model/properties.js";
import { waveWith } from "./model/waves.js";
import { SetCell } from "./set-cell.js";
import type { SetsState } from "./use-sets.js";

/** From so many on they are shown by geography. */
const GROUPED = 5;

interface RegionsProps extends SectionProps<Form> {
  readonly image: ImageName;
  readonly sets: SetsState;
  /** Regions to offer; another may be typed. */
  readonly known: readonly string[];
  readonly add: (names: readonly string[]) => void;
}

/** A row a region; what is wrong with one stands above them all. */
export function Regions(props: RegionsProps) {
  const { form } = props;
  return (
    <Section id="regions" said={form.regions.length > 0 && regionCount(form.regions.length)}>
      <div class="pad" id="regions" tabIndex={-1}>
        <AddRegions {...props} />
        <FieldFindings field="regions" />
        <RowNotes form={form} fields={/^(?:region|set)-/u} />
      </div>
      {form.regions.length > 0 && <RegionTable {...props} />}
    </Section>
  );
}

function RegionTable(props: RegionsProps) {
  const { form, change } = props;
  const disks = form.encryption === "platform" ? [] : disksOf(form);
  const inWaves = promoteWhen(form) === "waves";
  const titles = [
    ...["Region", "Replicas", "Storage"],
    ...(inWaves ? ["Wave"] : []),
    ...["Excluded", ...disks.map(diskName)],
    { title: "Remove", hidden: true },
  ];
  const columns = titles.length;
  const setAll = (changed: Partial<RegionRow>): void =>
    change(({ regions }) => ({
      regions: regions.map((region) => ({ ...region, ...changed })),
    }));
  const groups =
    form.regions.length < GROUPED
      ? [{ name: "", rows: form.regions }]
      : geographiesOf(form.regions.map(({ name }) => canonicalRegion(name))).map(
          ({ name, regions }) => ({
            name,
            rows: form.regions.filter((region) => regions.includes(canonicalRegion(region.name))),
          }),
        );
  return (
    <div class="table-scroll">
      <table class="cards dense regions">
        <TableHead caption="Regions" columns={titles} />
        {form.regions.length > 1 && (
          <tbody>
            <tr class="all">
              <th scope="row">Set for all</th>
              <td data-label="Replicas">
                <input
                  aria-label="Replicas in all regions"
                  type="number"
                  min={1}
                  max={100}
                  value={same(form.regions.map(({ replicas }) => replicas))}
                  placeholder="each"
                  onChange={(event) => {
                    const { value } = event.currentTarget;
                    if (value !== "") setAll({ replicas: value });
                  }}
                />
              </td>
              <td data-label="Storage">
                <select
                  aria-label="Storage in all regions"
                  value={same(form.regions.map(({ storage }) => storage)) ?? "each"}
                  onChange={(event) => setAll({ storage: event.currentTarget.value })}
                >
                  {same(form.regions.map(({ storage }) => storage)) === undefined && (
                    <option value="each" disabled>
                      each
                    </option>
                  )}
                  <StorageOptions />
                </select>
              </td>
              <td colSpan={columns - 3} />
            </tr>
          </tbody>
        )}
        {groups.map(({ name, rows }) => (
          <tbody key={name}>
            {name !== "" && (
              <tr class="group">
                <th colSpan={3} scope="rowgroup">
                  {name} <span class="muted">{rows.length}</span>
                </th>
                {inWaves && (
                  <td data-label="Wave">
                    <WaveSelect
                      form={form}
                      names={rows.map((row) => canonicalRegion(row.name))}
                      place={sameWave(form, rows)}
                      label={`Wave of ${name}`}
                      change={change}
                    />
                  </td>
                )}
                <td colSpan={columns - (inWaves ? 4 : 3)} />
              </tr>
            )}
            {rows.map((region) => (
              <Region key={region.id} {...props} region={region} disks={disks} />
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

function Region({
  image,
  form,
  sets,
  change,
  region,
  disks,
}: RegionsProps & {
  readonly region: RegionRow;
  readonly disks: readonly string[];
}) {
  const called = calledRegion(region);
  const set = (changed: Partial<RegionRow>): void =>
    change(({ regions }) => ({
      regions: regions.map((each) => (each.id === region.id ? { ...each, ...changed } : each)),
    }));
  const isHome =
    region.present && canonicalRegion(region.name) === canonicalRegion(textAt(form, "/location"));
  const field = (what: string): string => regionField(region.id, what);
  const name = useField(field("name"));
  const replicas = useField(field("replicas"));
  const storage = useField(field("storage"));
  const exclude = useField(field("exclude"));
  return (
    <tr aria-label={called}>
      <th scope="row">
        <span id={name.id} aria-describedby={name["aria-describedby"]} tabIndex={-1}>
          {called}
        </span>
      </th>
      <td data-label="Replicas">
        <input
          {...replicas}
          aria-label={`Replicas in ${called}`}
          type="number"
          min={1}
          max={100}
          value={region.replicas}
          onInput={(event) => set({ replicas: event.currentTarget.value })}
        />
      </td>
      <td data-label="Storage">
        <select
          {...storage}
          aria-label={`Storage in ${called}`}
          value={region.storage}
          onChange={(event) => set({ storage: event.currentTarget.value })}
        >
          <StorageOptions known={region.storage} />
        </select>
      </td>
      {promoteWhen(form) === "waves" && (
        <td data-label="Wave">
          <WaveSelect
            form={form}
            names={[canonicalRegion(region.name)]}
            place={waveWith(wavesOf(form), region.name)}
            label={`Wave of ${called}`}
            change={change}
          />
        </td>
      )}
      <td data-label="Excluded">
        <input
          {...exclude}
          aria-label={`Exclude from latest in ${called}`}
          type="checkbox"
          checked={region.exclude}
          onChange={(event) => set({ exclude: event.currentTarget.checked })}
        />
      </td>
      {disks.map((disk) => (
        <td key={disk} data-label={diskName(disk)}>
          <SetCell
            image={image}
            form={form}
            region={region}
            disk={disk}
            sets={sets}
            choose={(id) => set({ sets: { ...region.sets, [disk]: id } })}
          />
        </td>
      ))}
      <td class="end">
        {!isHome && (
          <button
            type="button"
            class="subtle small"
            aria-label={`Remove ${called}`}
            onClick={() => {
              change((now) => ({
                regions: now.regions.filter(({ id }) => id !== region.id),
                ...inWave(now, [region.name], undefined),
              }));
              focusSoon("regions");
            }}
          >
            ✕
          </button>
        )}
      </td>
    </tr>
  );
}

function StorageOptions({ known = "" }: { readonly known?: string }) {
  const types: readonly string[] = STORAGE_TYPES;
  return (
    <>
      <option value="">Azure chooses</option>
      {[
        ...types,
        // A value that the form does not know is shown as it is.
        ...(known === "" || types.includes(known) ? [] : [known]),
      ].map((type) => (
        <option key={type} value={type}>
          {type}
        </option>
      ))}
    </>
  );
}

function same(values: readonly string[]): string | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

function sameWave(form: Form, rows: readonly RegionRow[]): number | undefined {
  const [first, ...others] = rows.map(({ name }) => waveWith(wavesOf(form), name));
  return others.every((each) => each === first) ? first : undefined;
}
