import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Problem } from "./problem.js";

/** Asks before something is done: what will happen stands in it. The browser keeps the keyboard inside, and Escape closes it. */
export function Dialog({
  title,
  confirm,
  danger = false,
  disabled = false,
  onConfirm,
  onClose,
  children,
}: {
  readonly title: string;
  /** What the button says that does it. */
  readonly confirm: string;
  readonly danger?: boolean;
  readonly disabled?: boolean;
  /** Rejects where it was not done: the dialog then says why, and stays. */
  readonly onConfirm: () => Promise<void>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  // An effect after the paint would leave the keyboard nowhere for a moment.
  useLayoutEffect(() => {
    const element = dialog.current;
    const opener = document.activeElement;
    element?.showModal();
    return () => {
      element?.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, []);
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
    } catch (cause) {
      setError(cause instanceof Error ? cause : new Error(String(cause)));
      setBusy(false);
    }
  };
  return (
    <dialog
      ref={dialog}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        if (!busy) onClose();
      }}
      // Chromium closes it without asking where Escape is pressed again with nothing done in between.
      onClose={() => {
        if (dialog.current !== null) onClose();
      }}
    >
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !disabled) void run();
        }}
      >
        <h2 id={titleId}>{title}</h2>
        <div class="dialog-body">
          {children}
          <div role="alert">{error && <Problem error={error} />}</div>
        </div>
        <div class="dialog-buttons">
          <button
            type="submit"
            class={danger ? "danger" : "primary"}
            disabled={busy || disabled}
          >
            {confirm}
          </button>
          <button type="button" onClick={onClose} disabled={busy}>
            Close
          </button>
          <span role="status">{busy && "Sending…"}</span>
        </div>
      </form>
    </dialog>
  );
}
