import { Problem } from "../components/problem.js";
import type { ImageName } from "../routes.js";
import { CopyText } from "./copy-text.js";
import {
  CheckField,
  FieldFindings,
  Section,
  SelectField,
  TextField,
  type SectionProps,
} from "./fields.js";
import {
  CONFIDENTIAL_TYPES,
  disksOf,
  lunsOf,
  OS_DISK,
  takesSet,
  type Encryption,
  type Form,
  type KeyRule,
} from "./model/form.js";
import { azLinesFor, bicepFor, missingSets } from "./model/lines.js";
import {
  fittingIn,
  gapsOf,
  isOpenTo,
  namedByRule,
  patternsIn,
} from "./model/sets.js";
import type { SetsState } from "./use-sets.js";

const KINDS = [
  ["customer", "Customer keys"],
  ["platform", "Platform keys"],
  ["double", "Double: platform and customer keys"],
  ["confidential", "Confidential virtual machines"],
] as const satisfies readonly (readonly [Encryption, string])[];

const CONFIDENTIAL_NAMES = CONFIDENTIAL_TYPES.map(
  (type) =>
    [
      type,
      {
        EncryptedWithCmk: "OS disk with a customer key",
        EncryptedWithPmk: "OS disk with a platform key",
        EncryptedVMGuestStateOnlyWithPmk: "Guest state only, platform key",
        NonPersistedTPM: "TPM that is not persisted",
      }[type],
    ] as const,
);

/** How every disk is encrypted, and the rule that names its set in each region. The rows of regions say where it fails. */
export function Keys({
  image,
  form,
  sets,
  change,
}: SectionProps<Form> & {
  readonly image: ImageName;
  readonly sets: SetsState;
}) {
  const fitting = fittingIn(form, sets.value ?? [], image.subscriptionId);
  const isOpen = form.regions.some((region) =>
    disksOf(form).some(
      (disk) => takesSet(form, disk) && !region.fixed.includes(disk),
    ),
  );
  const gaps = sets.value ? gapsOf(form, image, fitting) : [];
  return (
    <Section
      id="keys"
      said={sets.value && <Found {...{ image, form, sets }} />}
    >
      <div class="pad">
        <div class="fields">
          {form.regions.some(({ fixed }) => fixed.length > 0) ? (
            <div class="field">
              <span class="label">Encryption</span>
              <span id="encryption" tabIndex={-1}>
                {KINDS.find(([kind]) => kind === form.encryption)?.[1]}, as the
                version has it.
              </span>
              <FieldFindings field="encryption" />
            </div>
          ) : (
            <SelectField
              field="encryption"
              label="Encryption"
              value={form.encryption}
              options={KINDS}
              onChange={(encryption) => change({ encryption })}
            />
          )}
          {form.encryption === "confidential" && (
            <SelectField
              field="encryption-confidential"
              label="Kind of confidential encryption"
              value={form.confidentialType}
              options={CONFIDENTIAL_NAMES}
              onChange={(confidentialType) => change({ confidentialType })}
            />
          )}
          {form.encryption !== "platform" && (isOpen || !form.exists) && (
            <Rule
              form={form}
              change={change}
              suggestions={patternsIn(sets.value ?? [])}
            />
          )}
        </div>
        {form.encryption === "confidential" && (
          <CheckField
            field="encryption-confidential-data"
            label="Data disks have keys of confidential machines, too (a preview of Azure's)"
            value={form.confidentialData}
            onChange={(confidentialData) => change({ confidentialData })}
          />
        )}
        {form.encryption !== "platform" && (
          <>
            <div role="alert">
              {sets.error && <Problem error={sets.error} />}
            </div>
            <p class="row">
              <button
                type="button"
                class="small"
                onClick={sets.reload}
                disabled={sets.loading}
              >
                Read the sets again
              </button>
              <span role="status" class="muted small">
                {sets.loading && "Reading the sets…"}
              </span>
            </p>
            {missingSets(gaps, form, image).map((set) => (
              <details key={`${set.name}/${set.location}`} class="missing">
                <summary>
                  {set.location} lacks the set {set.name}: how to make it
                </summary>
                <p>
                  A set of type {set.encryptionType} in {set.location}. Then
                  read the sets again.
                </p>
                <CopyText
                  label={`az lines for ${set.name}`}
                  text={azLinesFor(set)}
                />
                <CopyText
                  label={`Bicep for ${set.name}`}
                  text={bicepFor(set)}
                />
              </details>
            ))}
          </>
        )}
      </div>
    </Section>
  );
}

function Rule({
  form: { rule },
  suggestions,
  change,
}: Pick<SectionProps<Form>, "change"> & {
  readonly form: Pick<Form, "rule">;
  readonly suggestions: readonly string[];
}) {
  const set = (changed: Partial<KeyRule>): void =>
    change({ rule: { ...rule, ...changed } });
  return (
    <>
      <datalist id="set-patterns">
        {suggestions.map((pattern) => (
          <option key={pattern} value={pattern} />
        ))}
      </datalist>
      <TextField
        field="rule-osDisk"
        label="Set of the OS disk"
        list="set-patterns"
        value={rule.osDisk}
        placeholder={suggestions[0] ?? "{region}-os"}
        hint="{region} stands for the region."
        onChange={(osDisk) => set({ osDisk })}
      />
      <TextField
        field="rule-dataDisks"
        label="Set of data disks"
        list="set-patterns"
        value={rule.dataDisks}
        placeholder={suggestions[1] ?? "{region}-data-{lun}"}
        hint="{lun} stands for the disk's number, too."
        onChange={(dataDisks) => set({ dataDisks })}
      />
      <TextField
        field="rule-tag"
        label="Or by a tag of the set"
        value={rule.tag}
        placeholder="image=golden"
        hint="For disks without a name above."
        onChange={(tag) => set({ tag })}
      />
    </>
  );
}

/** How many of the sets that the rule names are there. */
function Found({
  image,
  form,
  sets,
}: {
  readonly image: ImageName;
  readonly form: Form;
  readonly sets: SetsState;
}) {
  const fitting = fittingIn(form, sets.value ?? [], image.subscriptionId);
  const named = form.regions.flatMap((region) =>
    [OS_DISK, ...lunsOf(form).map(String)]
      .filter((disk) => isOpenTo(form, region, disk))
      .flatMap((disk) => namedByRule(form, image, fitting, region, disk) ?? []),
  );
  if (named.length === 0) return null;
  const found = named.filter(({ set }) => set !== undefined).length;
  return (
    <>
      {found} of {named.length} sets found
    </>
  );
}
