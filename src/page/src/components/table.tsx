import type { ComponentChildren } from "preact";

/** Its title; of `hidden` one no word is shown. */
export type Column =
  | string
  | {
      readonly title: string;
      readonly class?: string;
      readonly hidden?: boolean;
    };

/** A table; below 760 px each row is a card whose cells say what they are of. */
export function Table({
  caption,
  columns,
  class: className = "cards",
  children,
}: {
  readonly caption: string;
  readonly columns: readonly Column[];
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <table class={className}>
      <TableHead caption={caption} columns={columns} />
      <tbody>{children}</tbody>
    </table>
  );
}

export function TableHead({
  caption,
  columns,
  rowIndex,
}: {
  readonly caption: string;
  readonly columns: readonly Column[];
  /** For a table that does not contain every row. */
  readonly rowIndex?: number;
}) {
  return (
    <>
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr aria-rowindex={rowIndex}>
          {columns.map((column) => {
            const {
              title,
              class: of,
              hidden = false,
            } = typeof column === "string" ? { title: column } : column;
            return (
              <th key={title} scope="col" class={of}>
                {hidden ? <span class="visually-hidden">{title}</span> : title}
              </th>
            );
          })}
        </tr>
      </thead>
    </>
  );
}
