import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** A button that shows more: Escape, a choice and a click elsewhere close it. */
export function Menu({
  label,
  class: className,
  text,
  children,
}: {
  /** What the button does, in words. */
  readonly label: string;
  readonly class?: string;
  /** The content of the button. */
  readonly text: ComponentChildren;
  readonly children: ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const menu = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return;
    const leave = (event: Event): void => {
      if (!menu.current?.contains(event.target as Node)) setOpen(false);
    };
    document.addEventListener("pointerdown", leave);
    return () => document.removeEventListener("pointerdown", leave);
  }, [open]);
  const button = (): HTMLElement | null => menu.current?.querySelector("button") ?? null;
  return (
    <div
      class="menu no-print"
      ref={menu}
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        setOpen(false);
        button()?.focus();
      }}
      onFocusOut={(event) => {
        const to = event.relatedTarget;
        if (to instanceof Node && !menu.current?.contains(to)) setOpen(false);
      }}
    >
      <button
        type="button"
        class={className}
        aria-expanded={open}
        aria-label={label}
        title={label}
        onClick={() => setOpen(!open)}
      >
        {text}
      </button>
      {open && (
        <div
          class="pop"
          // Before the choice is obeyed: a dialog that it opens gives the focus back to what has it now.
          onClickCapture={(event) => {
            if (isChoice(event.target)) button()?.focus();
          }}
          onClick={(event) => {
            if (isChoice(event.target)) setOpen(false);
          }}
        >
          {children}
        </div>
      )}
    </div>
  );
}

function isChoice(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a, button") !== null;
}
