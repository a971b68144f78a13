import type { ComponentChildren } from "preact";

interface Column {
  readonly title: string;
  readonly class?: string;
}

/** A table; below 760 px each row is a card whose cells say what they are of. */
export function Table({
  caption,
  columns,
  class: className = "cards",
  children,
}: {
  readonly caption: string;
  readonly columns: readonly (string | Column)[];
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <table class={className}>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          {columns.map((column) => {
            const { title, class: of } =
              typeof column === "string"
                ? { title: column, class: undefined }
                : column;
            return (
              <th key={title} scope="col" class={of}>
                {title}
              </th>
            );
          })}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
