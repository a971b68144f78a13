import {
  FieldFindings,
  focusSoon,
  RadioGroup,
  Section,
  SelectField,
  TextField,
  type SectionProps,
} from "./fields.js";
import { sourceDiskField } from "./model/fields.js";
import {
  lunsOf,
  newId,
  SECRETS_COMPONENTS,
  SOURCE_KINDS,
  type DiskRow,
  type Form,
} from "./model/form.js";
import { compact, listIn, textIn } from "./model/json.js";
import { expandedId, SOURCE_TEXTS } from "./model/sources.js";
import type { ImageName } from "../routes.js";

export function Source({
  image,
  form,
  lunsKnown,
  change,
}: SectionProps<Form> & {
  readonly image: ImageName;
  /** Whether the plan has said which data disks the source has. */
  readonly lunsKnown: boolean;
}) {
  const { source } = form;
  const set = (changed: Partial<Form["source"]>): void =>
    change({ source: { ...source, ...changed } });
  if (form.exists)
    return (
      <Section id="source">
        <p id="source" tabIndex={-1}>
          {source.id || source.osDisk || SOURCE_TEXTS.other.name}
        </p>
        <p class="muted">The source of a version never changes.</p>
        <FieldFindings field="source" />
        <Secrets form={form} change={change} />
      </Section>
    );
  const kinds = SOURCE_KINDS.filter(
    (kind) => kind !== "other" || source.kind === "other",
  );
  return (
    <Section id="source">
      <RadioGroup
        field="source"
        label="Made from"
        value={source.kind}
        options={kinds.map((kind) => [kind, SOURCE_TEXTS[kind].name] as const)}
        onChange={(kind) => set({ kind, luns: [] })}
      />
      {source.kind === "disks" ? (
        <Disks image={image} source={source} set={set} />
      ) : (
        source.kind !== "other" && (
          <TextField
            field="source-id"
            label={SOURCE_TEXTS[source.kind].name}
            wide
            value={source.id}
            placeholder={SOURCE_TEXTS[source.kind].example}
            hint={
              source.kind === "imageVersion"
                ? "Its number, image definition and number, or resource id. A version with customer keys cannot be copied."
                : `Its resource id, or its name if it is in ${image.resourceGroupName}.`
            }
            onChange={(id) => set({ id })}
            onBlur={() =>
              set({ id: expandedId(source.id, source.kind, image) })
            }
          />
        )
      )}
      {source.kind !== "disks" && (
        <DataDiskLuns form={form} known={lunsKnown} set={set} />
      )}
      <Secrets form={form} change={change} />
    </Section>
  );
}

const SECRETS = [
  ["", "Not said"],
  ["true", "Supported"],
  ["false", "Not supported"],
] as const;

/** Whether secrets can be provisioned to machines of the version, and by which versions of what. */
function Secrets({ form: { secrets }, change }: SectionProps<Form>) {
  const { isSupported } = secrets;
  const components = listIn(secrets, "components");
  const set = (changed: Parameters<typeof compact>[0]): void =>
    change({ secrets: compact({ ...secrets, ...changed }) });
  const setVersion = (name: string, version: string): void => {
    const others = components.filter((each) => textIn(each, "name") !== name);
    const all = version === "" ? others : [...others, { name, version }];
    set({ components: all.length === 0 ? undefined : all });
  };
  return (
    <>
      <SelectField
        field="source-secrets"
        label="Secrets provisioning"
        value={
          isSupported === true ? "true" : isSupported === false ? "false" : ""
        }
        options={SECRETS}
        hint="Whether secrets can be provisioned to its machines."
        onChange={(said) =>
          said === ""
            ? change({ secrets: {} })
            : set({ isSupported: said === "true" })
        }
      />
      {Object.keys(secrets).length > 0 && (
        <fieldset class="row">
          <legend>What provisions secrets</legend>
          <TextField
            field="source-secrets-system"
            label="Operating system"
            value={textIn(secrets, "osName")}
            placeholder="mariner"
            onChange={(osName) => set({ osName: osName || undefined })}
          />
          {SECRETS_COMPONENTS.map((name) => (
            <TextField
              key={name}
              field={`source-secrets-${name}`}
              label={`Version of ${name}`}
              value={textIn(
                components.find((each) => textIn(each, "name") === name),
                "version",
              )}
              onChange={(version) => setVersion(name, version)}
            />
          ))}
        </fieldset>
      )}
    </>
  );
}

/** The plan says which there are; where it cannot look into the source, whoever knows does. */
function DataDiskLuns({
  form,
  known,
  set,
}: {
  readonly form: Form;
  readonly known: boolean;
  readonly set: (changed: Partial<Form["source"]>) => void;
}) {
  const luns = lunsOf(form);
  if (known)
    return (
      <p>
        {luns.length === 0
          ? "It has no data disks."
          : `Its data disks: LUN ${luns.join(", ")}.`}
      </p>
    );
  return (
    <TextField
      field="source-luns"
      label="LUNs of its data disks"
      value={form.source.luns.join(", ")}
      placeholder="none"
      hint="Read from the source once it can be looked into."
      onChange={(text) =>
        set({
          luns: text
            .split(/[\s,]+/u)
            .filter((each) => /^\d{1,2}$/u.test(each))
            .map(Number),
        })
      }
    />
  );
}

function Disks({
  image,
  source,
  set,
}: {
  readonly image: ImageName;
  readonly source: Form["source"];
  readonly set: (changed: Partial<Form["source"]>) => void;
}) {
  const setDisk = (id: string, changed: Partial<DiskRow>): void =>
    set({
      dataDisks: source.dataDisks.map((disk) =>
        disk.id === id ? { ...disk, ...changed } : disk,
      ),
    });
  const hint = `The resource id of a snapshot or managed disk, or a snapshot's name if it is in ${image.resourceGroupName}.`;
  return (
    <>
      <TextField
        field="source-os"
        label="OS disk"
        wide
        value={source.osDisk}
        placeholder={SOURCE_TEXTS.disks.example}
        hint={hint}
        onChange={(osDisk) => set({ osDisk })}
        onBlur={() =>
          set({ osDisk: expandedId(source.osDisk, "disks", image) })
        }
      />
      {source.dataDisks.map((disk) => (
        <fieldset key={disk.id} class="row">
          <legend>Data disk, LUN {disk.lun || "?"}</legend>
          <TextField
            field={`source-lun-${disk.id}`}
            label="LUN"
            type="number"
            min={0}
            max={63}
            value={disk.lun}
            onChange={(lun) => setDisk(disk.id, { lun })}
          />
          <TextField
            field={sourceDiskField(disk.id)}
            label="Snapshot or disk"
            wide
            value={disk.source}
            placeholder={SOURCE_TEXTS.disks.example}
            onChange={(text) => setDisk(disk.id, { source: text })}
            onBlur={() =>
              setDisk(disk.id, {
                source: expandedId(disk.source, "disks", image),
              })
            }
          />
          <button
            type="button"
            class="subtle"
            onClick={() => {
              set({
                dataDisks: source.dataDisks.filter(({ id }) => id !== disk.id),
              });
              focusSoon("source");
            }}
          >
            Remove<span class="visually-hidden"> data disk {disk.lun}</span>
          </button>
        </fieldset>
      ))}
      <button
        type="button"
        onClick={() => {
          set({
            dataDisks: [
              ...source.dataDisks,
              {
                id: newId(source.dataDisks),
                lun: String(
                  Math.max(-1, ...source.dataDisks.map(({ lun }) => +lun)) + 1,
                ),
                source: "",
              },
            ],
          });
          focusSoon(sourceDiskField(newId(source.dataDisks)));
        }}
      >
        Add a data disk
      </button>
    </>
  );
}
