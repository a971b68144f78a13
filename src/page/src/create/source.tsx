import { withNames } from "../components/problem.js";
import type { ImageName } from "../routes.js";
import { Capture } from "./capture.js";
import { FieldFindings, focusSoon, SelectField, TextField, type SectionProps } from "./fields.js";
import { sourceDiskField } from "./model/fields.js";
import {
  isByDisk,
  lunsOf,
  newId,
  SOURCE_KINDS,
  type DiskRow,
  type Form,
  type Source,
} from "./model/form.js";
import { expandedId, SOURCE_TEXTS, storageAccountId } from "./model/sources.js";

type SourceProps = SectionProps<Form> & { readonly image: ImageName };

/** The version's source, if it is one resource. */
export function SourceFields({
  image,
  form,
  lunsKnown,
  change,
}: SourceProps & { readonly lunsKnown: boolean }) {
  const { source } = form;
  const set = (changed: Partial<Source>): void => change({ source: { ...source, ...changed } });
  if (form.exists)
    return (
      <div class="field wide">
        <span class="label">Made from</span>
        <span id="source" tabIndex={-1} class="wrap" title={source.id || source.osDisk}>
          {withNames(source.id || source.osDisk) || SOURCE_TEXTS.other.name}
        </span>
        <div class="sub">The source of a version never changes.</div>
        <FieldFindings field="source" />
      </div>
    );
  const kinds = SOURCE_KINDS.filter((kind) => kind !== "other" || source.kind === "other");
  return (
    <>
      <SelectField
        field="source"
        label="Made from"
        value={source.kind}
        options={kinds.map((kind) => [kind, SOURCE_TEXTS[kind].name] as const)}
        onChange={(kind) => set({ kind, luns: [] })}
      />
      {!isByDisk(source.kind) && source.kind !== "other" && (
        <TextField
          field="source-id"
          label={SOURCE_TEXTS[source.kind].name}
          wide
          value={source.id}
          placeholder={SOURCE_TEXTS[source.kind].example}
          hint={
            source.kind === "imageVersion"
              ? "Its number, image definition and number, or resource id. A version with customer keys cannot be copied."
              : `Its name, if it is in ${image.resourceGroupName}, or its resource id.`
          }
          onChange={(id) => set({ id })}
          onBlur={() => set({ id: expandedId(source.id, source.kind, image) })}
        />
      )}
      {source.kind === "vhd" && (
        <TextField
          field="source-account"
          label="Storage account"
          wide
          value={source.account}
          placeholder="mystorageaccount"
          hint={`The one that the VHDs are in: its name, if it is in ${image.resourceGroupName}, or its resource id.`}
          onChange={(account) => set({ account })}
          onBlur={() => set({ account: storageAccountId(source.account, image) })}
        />
      )}
      <Capture form={form} change={change} />
      {!isByDisk(source.kind) && <DataDiskLuns form={form} known={lunsKnown} set={set} />}
    </>
  );
}

/** The LUNs from the plan; if it cannot read the source, the person enters them. */
function DataDiskLuns({
  form,
  known,
  set,
}: {
  readonly form: Form;
  readonly known: boolean;
  readonly set: (changed: Partial<Source>) => void;
}) {
  const luns = lunsOf(form);
  if (known)
    return (
      <div class="field">
        <span class="label">Data disks</span>
        <span>
          {luns.length === 0 ? "It has no data disks." : `Its data disks: LUN ${luns.join(", ")}.`}
        </span>
      </div>
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

/** One row per disk, if each is named: snapshots and disks, or VHDs. */
export function SourceDisks({ image, form, change }: SourceProps) {
  const { source } = form;
  if (form.exists || !isByDisk(source.kind)) return null;
  const set = (changed: Partial<Source>): void => change({ source: { ...source, ...changed } });
  const setDisk = (id: string, changed: Partial<DiskRow>): void =>
    set({
      dataDisks: source.dataDisks.map((disk) => (disk.id === id ? { ...disk, ...changed } : disk)),
    });
  const { example } = SOURCE_TEXTS[source.kind];
  const isVhd = source.kind === "vhd";
  const idOf = (text: string): string => expandedId(text, source.kind, image);
  return (
    <>
      <TextField
        field="source-os"
        label="OS disk"
        wide
        value={source.osDisk}
        placeholder={example}
        hint={
          isVhd
            ? "The address of the VHD."
            : `A snapshot's name, if it is in ${image.resourceGroupName}, or the resource id of a snapshot or managed disk.`
        }
        onChange={(osDisk) => set({ osDisk })}
        onBlur={() => set({ osDisk: idOf(source.osDisk) })}
      />
      {source.dataDisks.map((disk) => (
        <fieldset key={disk.id} class="disk">
          <legend class="visually-hidden">Data disk, LUN {disk.lun || "?"}</legend>
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
            label={isVhd ? "VHD" : "Snapshot or disk"}
            wide
            value={disk.source}
            placeholder={example}
            onChange={(text) => setDisk(disk.id, { source: text })}
            onBlur={() => setDisk(disk.id, { source: idOf(disk.source) })}
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
                lun: String(Math.max(-1, ...source.dataDisks.map(({ lun }) => +lun)) + 1),
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
