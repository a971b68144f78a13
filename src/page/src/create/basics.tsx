import { canonicalRegion } from "../geography.js";
import { replaceQuery } from "../navigation.js";
import type { ImageName } from "../routes.js";
import {
  DateField,
  FieldFindings,
  Section,
  SelectField,
  TextField,
  type SectionProps,
} from "./fields.js";
import { BLOCK_DELETION, END_OF_LIFE, setting, textAt, type Form } from "./model/form.js";
import { at } from "./model/json.js";
import { Secrets } from "./secrets.js";
import { SourceDisks, SourceFields } from "./source.js";

const INCREMENTS = [
  ["patch", "the next patch"],
  ["minor", "the next minor"],
  ["major", "the next major"],
] as const;

/** The version's number, source, location and end of life. */
export function Basics({
  image,
  form,
  from,
  names,
  next,
  lunsKnown,
  change,
}: SectionProps<Form> & {
  readonly image: ImageName;
  /** The version that a new one begins with, or "none". */
  readonly from: string;
  /** Versions to begin with. */
  readonly names: readonly string[];
  readonly next: string;
  /** Whether the plan has said which data disks the source has. */
  readonly lunsKnown: boolean;
}) {
  return (
    <Section id="basics">
      <div class="pad">
        <div class="fields">
          {!form.exists && names.length > 0 && (
            <SelectField
              field="version-from"
              label="Begin with"
              value={from}
              options={[
                ["none", "an empty form"],
                ...names.map((name) => [name, `what ${name} has`] as const),
              ]}
              hint={
                from === "none"
                  ? "Or with what another version has."
                  : `All of ${from} but its number, source, end of life and protection.`
              }
              onChange={(name) => replaceQuery({ from: name })}
            />
          )}
          {!form.exists && (
            <TextField
              field="version"
              label="Version"
              value={form.version}
              placeholder={next}
              hint="Three numbers; empty for the next one."
              onChange={(version) => change({ version: version.trim() })}
            />
          )}
          {!form.exists && form.version === "" && (
            <SelectField
              field="increment"
              label="Number"
              value={form.increment}
              options={INCREMENTS}
              hint={`It will be ${next}, unless somebody else takes it first.`}
              onChange={(increment) => change({ increment })}
            />
          )}
          <SourceFields image={image} form={form} lunsKnown={lunsKnown} change={change} />
          <Location form={form} change={change} />
          <DateField
            field="end-of-life"
            label="End of life"
            value={textAt(form, END_OF_LIFE)}
            hint={
              at(form.body, BLOCK_DELETION) === true
                ? "Deletion is blocked before it."
                : "Deletion is not blocked before it."
            }
            onChange={(date) => change(setting(END_OF_LIFE, date.trim()))}
          />
          <Secrets form={form} change={change} />
        </div>
        <SourceDisks image={image} form={form} change={change} />
      </div>
    </Section>
  );
}

function Location({ form, change }: SectionProps<Form>) {
  if (form.exists)
    return (
      <div class="field">
        <span class="label">Location</span>
        <span id="location" tabIndex={-1}>
          {textAt(form, "/location")}
        </span>
        <FieldFindings field="location" />
      </div>
    );
  const regions = [...new Set(form.regions.map(({ name }) => canonicalRegion(name)))];
  return (
    <SelectField
      field="location"
      label="Location"
      value={textAt(form, "/location")}
      options={[
        ["", regions[0] === undefined ? "The first region" : `The first region: ${regions[0]}`],
        ...regions.map((name) => [name, name] as const),
      ]}
      hint="The region that the source is in."
      onChange={(location) => change(setting("/location", location))}
    />
  );
}
