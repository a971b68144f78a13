import {
  CheckField,
  FieldFindings,
  Section,
  useField,
  useTyped,
  type SectionProps,
} from "./fields.js";
import { BLOCK_DELETION, setting, type Form } from "./model/form.js";
import { at, objectIn, tagsOf, textIn, type JsonObject } from "./model/json.js";

interface Tag {
  readonly name: string;
  readonly value: string;
}

export function TagsSection({ form, change }: SectionProps<Form>) {
  const [tags, type] = useTyped(objectIn(form.body, "tags"), rowsOf, (rows) => tagsOf(rows) ?? {});
  return (
    <Section id="tags">
      <div class="pad">
        <Tags tags={tags} onChange={(rows) => change(setting("/tags", type(rows)))} />
        <CheckField
          field="safety"
          label="Block deletion before the end of life"
          value={at(form.body, BLOCK_DELETION) === true}
          onChange={(on) => change(setting(BLOCK_DELETION, on || undefined))}
        />
      </div>
    </Section>
  );
}

function rowsOf(tags: JsonObject): readonly Tag[] {
  return Object.keys(tags).map((name) => ({ name, value: textIn(tags, name) }));
}

export function Tags({
  tags,
  onChange,
}: {
  readonly tags: readonly Tag[];
  readonly onChange: (tags: readonly Tag[]) => void;
}) {
  const { "aria-invalid": _, ...described } = useField("tags");
  const set = (index: number, changed: Partial<Tag>): void =>
    onChange(tags.map((tag, i) => (i === index ? { ...tag, ...changed } : tag)));
  return (
    <fieldset {...described} tabIndex={-1}>
      <legend>Tags</legend>
      {tags.map((tag, index) => (
        <div class="row tag-row" key={index}>
          <input
            aria-label={`Name of tag ${index + 1}`}
            placeholder="name"
            value={tag.name}
            onInput={(event) => set(index, { name: event.currentTarget.value })}
          />
          <input
            aria-label={`Value of tag ${index + 1}`}
            placeholder="value"
            value={tag.value}
            onInput={(event) => set(index, { value: event.currentTarget.value })}
          />
          <button
            type="button"
            class="subtle small"
            aria-label={`Remove tag ${tag.name || index + 1}`}
            onClick={() => onChange(tags.filter((_tag, i) => i !== index))}
          >
            ✕
          </button>
        </div>
      ))}
      <button
        type="button"
        class="small"
        onClick={() => onChange([...tags, { name: "", value: "" }])}
      >
        Add a tag
      </button>
      <FieldFindings field="tags" />
    </fieldset>
  );
}
