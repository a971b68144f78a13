import { CheckField, FieldFindings, Section, useField, type SectionProps } from "./fields.js";
import type { Form } from "./model/form.js";

type Tag = Form["tags"][number];

export function TagsSection({ form, change }: SectionProps<Form>) {
  return (
    <Section id="tags">
      <div class="pad">
        <Tags tags={form.tags} onChange={(tags) => change({ tags })} />
        <CheckField
          field="safety"
          label="Block deletion before the end of life"
          value={form.blockDeletion}
          onChange={(blockDeletion) => change({ blockDeletion })}
        />
      </div>
    </Section>
  );
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
