import type { ComponentChildren } from "preact";

/** A part of a view, under its heading, which may take the focus. */
export function Card({
  id,
  title,
  aside,
  class: className = "card",
  children,
}: {
  readonly id: string;
  readonly title: ComponentChildren;
  /** Next to the heading. */
  readonly aside?: ComponentChildren;
  readonly class?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class={className} aria-labelledby={id}>
      <header>
        <h2 id={id} tabIndex={-1}>
          {title}
        </h2>
        {aside}
      </header>
      {children}
    </section>
  );
}
