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
  disksOf,
  ruleOf,
  takesSet,
  withEncryption,
  withRule,
  type Encryption,
  type Form,
  type KeyRule,
} from "./model/form.js";
import { CONFIDENTIAL_TYPES } from "./model/properties.js";
import { azLinesFor, bicepFor, missingSets } from "./model/lines.js";
import { fittingIn, gapsOf, isOpenTo, namedByRule, patternsIn } from "./model/sets.js";
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

/** The fields of a rule: member, label, hint. */
const RULE_FIELDS = [
  ["osDisk", "Set of the OS disk", "{region} stands for the region."],
  ["dataDisks", "Set of data disks", "{lun} stands for the disk's number, too."],
  ["tag", "Or by a tag of the set", "For disks without a name above."],
] as const satisfies readonly (readonly [keyof KeyRule, ...string[]])[];

/** How every disk is encrypted, and the rule that names its set in each region. The rows of regions say where it fails. */
export function Keys({
  image,
  form,
  sets,
  suggestedRule,
  change,
}: SectionProps<Form> & {
  readonly image: ImageName;
  readonly sets: SetsState;
  readonly suggestedRule: KeyRule;
}) {
  const fitting = fittingIn(form, sets.value ?? [], image.subscriptionId);
  const isOpen = form.regions.some((region) =>
    disksOf(form).some((disk) => takesSet(form, disk) && !region.fixed.includes(disk)),
  );
  const gaps = sets.value ? gapsOf(form, image, fitting) : [];
  return (
    <Section id="keys" said={sets.value && foundText(image, form, fitting)}>
      <div class="pad">
        <div class="fields">
          {form.regions.some(({ fixed }) => fixed.length > 0) ? (
            <div class="field">
              <span class="label">Encryption</span>
              <span id="encryption" tabIndex={-1}>
                {KINDS.find(([kind]) => kind === form.encryption)?.[1]}, as the version has it.
              </span>
              <FieldFindings field="encryption" />
            </div>
          ) : (
            <SelectField
              field="encryption"
              label="Encryption"
              value={form.encryption}
              options={KINDS}
              onChange={(encryption) => change((now) => withEncryption(now, { encryption }))}
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
              patterns={patternsIn(sets.value ?? [])}
              suggested={suggestedRule}
            />
          )}
        </div>
        {form.encryption === "confidential" && (
          <CheckField
            field="encryption-confidential-data"
            label="Data disks have keys of confidential machines, too (a preview of Azure's)"
            value={form.confidentialData}
            onChange={(confidentialData) =>
              change((now) => withEncryption(now, { confidentialData }))
            }
          />
        )}
        {form.encryption !== "platform" && (
          <>
            <div role="alert">{sets.error && <Problem error={sets.error} />}</div>
            <p class="row">
              <button type="button" class="small" onClick={sets.reload} disabled={sets.loading}>
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
                  A set of type {set.encryptionType} in {set.location}. Then read the sets again.
                </p>
                <CopyText label={`az lines for ${set.name}`} text={azLinesFor(set)} />
                <CopyText label={`Bicep for ${set.name}`} text={bicepFor(set)} />
              </details>
            ))}
          </>
        )}
      </div>
    </Section>
  );
}

function Rule({
  form,
  patterns,
  suggested,
  change,
}: Pick<SectionProps<Form>, "change"> & {
  readonly form: Form;
  /** Names to choose from. */
  readonly patterns: readonly string[];
  /** The placeholders of empty fields. */
  readonly suggested: KeyRule;
}) {
  const rule = ruleOf(form);
  return (
    <>
      <datalist id="set-patterns">
        {patterns.map((pattern) => (
          <option key={pattern} value={pattern} />
        ))}
      </datalist>
      {RULE_FIELDS.map(([name, label, hint]) => (
        <TextField
          key={name}
          field={`rule-${name}`}
          label={label}
          {...(name !== "tag" && { list: "set-patterns" })}
          value={rule[name]}
          placeholder={suggested[name]}
          hint={hint}
          onChange={(value) => change((now) => withRule(now, { ...ruleOf(now), [name]: value }))}
        />
      ))}
    </>
  );
}

/** How many of the sets that the rule names are there. */
function foundText(
  image: ImageName,
  form: Form,
  fitting: ReturnType<typeof fittingIn>,
): string | undefined {
  const named = form.regions.flatMap((region) =>
    disksOf(form)
      .filter((disk) => isOpenTo(form, region, disk))
      .flatMap((disk) => namedByRule(form, image, fitting, region, disk) ?? []),
  );
  const found = named.filter(({ set }) => set !== undefined).length;
  return named.length === 0 ? undefined : `${found} of ${named.length} sets found`;
}
