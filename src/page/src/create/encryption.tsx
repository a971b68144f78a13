import { useState } from "preact/hooks";
import { Problem } from "../components/problem.js";
import { Time } from "../components/time.js";
import type { ImageName } from "../routes.js";
import { CopyText } from "./copy-text.js";
import {
  FieldFindings,
  RadioGroup,
  Section,
  CheckField,
  SelectField,
  TextField,
  useField,
  type SectionProps,
} from "./fields.js";
import { setField } from "./model/fields.js";
import {
  canonicalRegion,
  CONFIDENTIAL_TYPES,
  diskName,
  disksOf,
  isChosenByRule,
  ruleOf,
  takesSet,
  withoutRule,
  type Disk,
  type Encryption as EncryptionKind,
  type Form,
  type RegionRow,
} from "./model/form.js";
import { azLinesFor, bicepFor, missingSets } from "./model/lines.js";
import {
  fillByName,
  fillColumn,
  fillRow,
  findSet,
  fittingIn,
  gapsOf,
  keyText,
  sameId,
  setName,
  type DiskEncryptionSet,
  type Filled,
  type Fitting,
  type Gap,
} from "./model/sets.js";
import type { SetsState } from "./use-sets.js";

const KINDS = [
  ["platform", "Platform keys"],
  ["customer", "Customer keys"],
  ["double", "Double: platform and customer keys"],
  ["confidential", "Confidential virtual machines"],
] as const satisfies readonly (readonly [EncryptionKind, string])[];

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

export function Encryption({
  image,
  form,
  sets,
  change,
}: SectionProps<Form> & {
  readonly image: ImageName;
  readonly sets: SetsState;
}) {
  const [asked, setAsked] = useState<readonly Gap[]>([]);
  const [said, setSaid] = useState("");
  const fitting = fittingIn(form, sets.value ?? [], image.subscriptionId);
  const fill = ({ form: filled, gaps }: Filled): void => {
    const count = (each: Form): number =>
      each.regions.flatMap((region) => Object.values(region.sets)).length;
    change({ regions: filled.regions });
    setAsked(gaps.filter(({ name }) => name !== undefined));
    setSaid(
      `${count(filled) - count(form)} more chosen${gaps.length > 0 ? `, ${gaps.length} without a set that fits` : ""}.`,
    );
  };
  return (
    <Section id="encryption">
      {form.regions.some(({ fixed }) => fixed.length > 0) ? (
        <>
          <p id="encryption" tabIndex={-1}>
            {KINDS.find(([kind]) => kind === form.encryption)?.[1]}, as the
            version has it.
          </p>
          <FieldFindings field="encryption" />
        </>
      ) : (
        <RadioGroup
          field="encryption"
          label="Every disk is encrypted with"
          value={form.encryption}
          options={KINDS}
          onChange={(encryption) => change({ encryption })}
        />
      )}
      {form.encryption === "confidential" && (
        <div class="row">
          <SelectField
            field="encryption-confidential"
            label="Kind of confidential encryption"
            value={form.confidentialType}
            options={CONFIDENTIAL_NAMES}
            onChange={(confidentialType) => change({ confidentialType })}
          />
          <CheckField
            field="encryption-confidential-data"
            label="Data disks have keys of confidential machines, too (a preview of Azure's)"
            value={form.confidentialData}
            onChange={(confidentialData) => change({ confidentialData })}
          />
        </div>
      )}
      {form.encryption !== "platform" && (
        <>
          <Rule form={form} change={change} />
          <div role="alert">{sets.error && <Problem error={sets.error} />}</div>
          {form.regions.some((region) => isOpenIn(region, form)) && (
            <NamingRule
              image={image}
              form={form}
              fitting={fitting}
              fill={fill}
            />
          )}
          <SetTable
            form={form}
            sets={sets}
            fitting={fitting}
            fill={fill}
            change={change}
          />
          <p class="row">
            <button type="button" onClick={sets.reload} disabled={sets.loading}>
              Read the sets again
            </button>
            <span role="status">
              {sets.loading ? "Reading the sets…" : said}
            </span>
          </p>
          {sets.value && (
            <Missing
              gaps={[
                ...asked.filter((gap) => isOpen(gap, form)),
                ...gapsOf(form, fitting),
              ]}
              form={form}
              image={image}
            />
          )}
        </>
      )}
    </Section>
  );
}

/** The request's own rule, where it came with one. */
function Rule({ form, change }: SectionProps<Form>) {
  const rule = ruleOf(form);
  if (rule === undefined) return null;
  const parts = [
    rule.osDisk && `OS disk ${rule.osDisk}`,
    rule.dataDisks && `data disks ${rule.dataDisks}`,
    rule.tag && `others by tag ${rule.tag}`,
  ].filter((part) => part !== "");
  return (
    <p class="row">
      <span>
        The request has a rule: Sigil chooses a set where none is given here (
        {parts.join(", ")}).
      </span>
      <button type="button" onClick={() => change(withoutRule(form))}>
        Remove the rule
      </button>
    </p>
  );
}

/** Whether the region has a disk whose set may be chosen. */
function isOpenIn(region: RegionRow, form: Form): boolean {
  return disksOf(form).some(
    (disk) => takesSet(form, disk) && !region.fixed.includes(disk),
  );
}

/** A name that was asked for is missed until something else is chosen, or the region goes. */
function isOpen({ region, disk }: Gap, form: Form): boolean {
  const now = form.regions.find(({ id }) => id === region.id);
  return now !== undefined && now.name === region.name && !now.sets[disk];
}

function NamingRule({
  image: { imageName: image },
  form,
  fitting,
  fill,
}: {
  readonly image: ImageName;
  readonly form: Form;
  readonly fitting: Fitting;
  readonly fill: (filled: Filled) => void;
}) {
  const [osDisk, setOsDisk] = useState("{region}-os");
  const [dataDisk, setDataDisk] = useState("{region}-data-{lun}");
  return (
    <fieldset class="row">
      <legend>Choose all by name</legend>
      <TextField
        field="rule-os"
        label="Of the OS disk"
        value={osDisk}
        onChange={setOsDisk}
      />
      <TextField
        field="rule-data"
        label="Of data disks"
        value={dataDisk}
        onChange={setDataDisk}
      />
      <button
        type="button"
        onClick={() =>
          fill(fillByName(form, fitting, { osDisk, dataDisk, image }))
        }
      >
        Choose
      </button>
    </fieldset>
  );
}

function SetTable({
  form,
  sets,
  fitting,
  fill,
  change,
}: SectionProps<Form> & {
  readonly sets: SetsState;
  readonly fitting: Fitting;
  readonly fill: (filled: Filled) => void;
}) {
  const choose = (id: string, disk: Disk, set: string): void =>
    change({
      regions: form.regions.map((region) =>
        region.id === id
          ? { ...region, sets: { ...region.sets, [disk]: set } }
          : region,
      ),
    });
  return (
    <div
      class="table-scroll"
      tabIndex={0}
      role="region"
      aria-label="Disk encryption sets by disk and region"
    >
      <table class="sets">
        <caption class="visually-hidden">
          Disk encryption sets by disk and region
        </caption>
        <thead>
          <tr>
            <th scope="col">Disk</th>
            {form.regions.map((region) => (
              <th scope="col" key={region.id}>
                {region.name.trim() || "(no name)"}{" "}
                {isOpenIn(region, form) && (
                  <button
                    type="button"
                    class="subtle"
                    aria-label={`Fill the column of ${region.name}`}
                    onClick={() => fill(fillColumn(form, fitting, region.id))}
                  >
                    Fill
                  </button>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {disksOf(form).map((disk) => (
            <tr key={disk}>
              <th scope="row">
                {diskName(disk)}{" "}
                {takesSet(form, disk) &&
                  form.regions.some(({ fixed }) => !fixed.includes(disk)) && (
                    <button
                      type="button"
                      class="subtle"
                      aria-label={`Fill the row of ${diskName(disk)}`}
                      onClick={() => fill(fillRow(form, fitting, disk))}
                    >
                      Fill
                    </button>
                  )}
              </th>
              {form.regions.map((region) => (
                <td key={region.id}>
                  <SetCell
                    form={form}
                    region={region}
                    disk={disk}
                    sets={sets}
                    fitting={fitting}
                    choose={(set) => choose(region.id, disk, set)}
                  />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function SetCell({
  form,
  region,
  disk,
  sets,
  fitting,
  choose,
}: {
  readonly form: Form;
  readonly region: RegionRow;
  readonly disk: Disk;
  readonly sets: SetsState;
  readonly fitting: Fitting;
  readonly choose: (setId: string) => void;
}) {
  const field = setField(region.id, disk);
  const attributes = useField(field);
  const chosen = region.sets[disk] ?? "";
  const known = findSet(sets.value ?? [], chosen);
  const label = `${diskName(disk)} in ${region.name.trim() || "a region without a name"}`;
  if (!takesSet(form, disk))
    return (
      <>
        <span id={field} tabIndex={-1} class="muted">
          platform key
        </span>
        <FieldFindings field={field} />
      </>
    );
  if (region.fixed.includes(disk))
    return (
      <>
        <span id={field} tabIndex={-1}>
          {setName(chosen)}
        </span>
        {known && <SetFacts set={known} />}
        <FieldFindings field={field} />
      </>
    );
  // Without the list a set is named by hand.
  if (sets.value === undefined && sets.error !== undefined)
    return (
      <>
        <input
          {...attributes}
          aria-label={`${label}: id of the set`}
          value={chosen}
          onInput={(event) => choose(event.currentTarget.value)}
        />
        <FieldFindings field={field} />
      </>
    );
  const options = fitting(region, disk);
  const fits = options.find(({ id }) => sameId(id, chosen));
  return (
    <>
      <select
        {...attributes}
        aria-label={label}
        value={fits?.id ?? chosen}
        onChange={(event) => choose(event.currentTarget.value)}
      >
        <option value="">
          {isChosenByRule(form, disk)
            ? "By the rule of the request"
            : options.length === 0
              ? "No set fits"
              : "Choose a set"}
        </option>
        {options.map((set) => (
          <option key={set.id} value={set.id}>
            {optionText(set, options)}
          </option>
        ))}
        {chosen !== "" && fits === undefined && (
          <option value={chosen}>
            {setName(chosen)} ({known ? misfit(known, region) : "not known"})
          </option>
        )}
      </select>
      {known && <SetFacts set={known} />}
      <FieldFindings field={field} />
    </>
  );
}

/** Its name; with its resource group where another has the same name. */
function optionText(
  { id, provisioningState }: DiskEncryptionSet,
  all: readonly DiskEncryptionSet[],
): string {
  const name = setName(id);
  const alike = all.filter(
    (each) => setName(each.id).toLowerCase() === name.toLowerCase(),
  );
  const group = /\/resourceGroups\/([^/]+)\//iu.exec(id)?.[1] ?? "";
  return [
    alike.length > 1 ? `${group}/${name}` : name,
    ...(provisioningState === "Succeeded" ? [] : [`(${provisioningState})`]),
  ].join(" ");
}

function misfit(set: DiskEncryptionSet, { name }: RegionRow): string {
  return canonicalRegion(set.region) === canonicalRegion(name)
    ? set.encryptionType
    : `in ${set.region}`;
}

function SetFacts({ set }: { readonly set: DiskEncryptionSet }) {
  const { rotationToLatestKeyVersionEnabled, lastKeyRotationTime } = set;
  return (
    <div class="sub">
      <div title={set.keyUrl}>Key {keyText(set)}</div>
      <div>
        {set.provisioningState},{" "}
        {rotationToLatestKeyVersionEnabled
          ? "follows the newest key version"
          : "stays with this key version"}
        {lastKeyRotationTime !== undefined && (
          <>
            , rotated <Time value={lastKeyRotationTime} show="date" />
          </>
        )}
      </div>
      {set.autoKeyRotationError && (
        <div class="warn-text">
          Rotation fails: {set.autoKeyRotationError.message}
        </div>
      )}
    </div>
  );
}

function Missing({
  gaps,
  form,
  image,
}: {
  readonly gaps: readonly Gap[];
  readonly form: Form;
  readonly image: ImageName;
}) {
  return (
    <>
      {missingSets(gaps, form, image).map((set) => (
        <details key={`${set.name}/${set.location}`} class="missing">
          <summary>
            {set.location} lacks the set {set.name}: how to make it
          </summary>
          <p>
            A set of type {set.encryptionType} in {set.location}. Then read the
            sets again.
          </p>
          <CopyText label={`az lines for ${set.name}`} text={azLinesFor(set)} />
          <CopyText label={`Bicep for ${set.name}`} text={bicepFor(set)} />
        </details>
      ))}
    </>
  );
}
