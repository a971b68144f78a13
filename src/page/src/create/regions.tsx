import {
  CheckField,
  FieldFindings,
  focusSoon,
  Section,
  SelectField,
  TextField,
  type SectionProps,
} from "./fields.js";
import { regionField } from "./model/fields.js";
import {
  canonicalRegion,
  newId,
  STORAGE_TYPES,
  withRegion,
  type Form,
  type RegionRow,
} from "./model/form.js";

const STORAGE = [
  ["", "Azure chooses"],
  ...STORAGE_TYPES.map((type) => [type, type] as const),
] as const;

export function Regions({
  form,
  known,
  change,
}: SectionProps<Form> & {
  /** Regions to offer; another may be typed. */
  readonly known: readonly string[];
}) {
  const set = (id: string, changed: Partial<RegionRow>): void =>
    change({
      regions: form.regions.map((region) =>
        region.id === id ? { ...region, ...changed } : region,
      ),
    });
  return (
    <Section id="regions">
      <datalist id="known-regions">
        {known.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <div id="regions" tabIndex={-1}>
        {form.regions.map((region, index) => {
          const called = region.name.trim() || `Region ${index + 1}`;
          const isHome =
            region.present &&
            canonicalRegion(region.name) === canonicalRegion(form.location);
          return (
            <fieldset key={region.id} class="row">
              <legend>{called}</legend>
              {region.present ? (
                <div class="field">
                  <span class="label">Region</span>
                  <span id={regionField(region.id, "name")} tabIndex={-1}>
                    {region.name}
                  </span>
                  <FieldFindings field={regionField(region.id, "name")} />
                </div>
              ) : (
                <TextField
                  field={regionField(region.id, "name")}
                  label="Region"
                  list="known-regions"
                  value={region.name}
                  placeholder="westus"
                  onChange={(name) => set(region.id, { name })}
                />
              )}
              <TextField
                field={regionField(region.id, "replicas")}
                label="Replicas"
                type="number"
                min={1}
                max={100}
                value={region.replicas}
                onChange={(replicas) => set(region.id, { replicas })}
              />
              <SelectField
                field={regionField(region.id, "storage")}
                label="Storage"
                value={region.storage}
                options={STORAGE}
                onChange={(storage) => set(region.id, { storage })}
              />
              <CheckField
                field={regionField(region.id, "exclude")}
                label="Exclude from latest here"
                value={region.exclude}
                onChange={(exclude) => set(region.id, { exclude })}
              />
              {!isHome && (
                <button
                  type="button"
                  class="subtle"
                  onClick={() => {
                    change({
                      regions: form.regions.filter(
                        ({ id }) => id !== region.id,
                      ),
                    });
                    focusSoon("regions");
                  }}
                >
                  Remove<span class="visually-hidden"> {called}</span>
                </button>
              )}
            </fieldset>
          );
        })}
      </div>
      <button
        type="button"
        onClick={() => {
          change(withRegion(form));
          focusSoon(regionField(newId(form.regions), "name"));
        }}
      >
        Add a region
      </button>
      <FieldFindings field="regions" />
    </Section>
  );
}
