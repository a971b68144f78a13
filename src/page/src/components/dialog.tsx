import type { ComponentChildren } from "preact";
import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { SameWithSigil } from "./command.js";
import { Problem } from "./problem.js";
import { errorOf } from "../retry.js";
import { useCurrent } from "../use-current.js";

export interface DialogProps {
  readonly title: string;
  /** What happens, in a sentence. */
  readonly lead?: ComponentChildren;
  /** The label of the button that does it. */
  readonly confirm: string;
  /** The label of the other button. */
  readonly leave?: string;
  /** True if it removes something: the keyboard focus starts at Cancel. */
  readonly danger?: boolean;
  readonly wide?: boolean;
  readonly disabled?: boolean;
  /** The line that does the same. */
  readonly sigil?: readonly string[];
  /** Rejects where it was not done: the dialog then says why, and stays. */
  readonly onConfirm: () => Promise<void>;
  /** Also once it is done. */
  readonly onClose: () => void;
  readonly children?: ComponentChildren;
}

/**
 * A modal `<dialog>`: the browser keeps the keyboard inside, and Escape closes it. The focus then
 * returns.
 */
export function useModal(
  dialog: { readonly current: HTMLDialogElement | null },
  onClose: () => void,
  /** Where the keyboard begins. */
  focus?: () => void,
  /** Something is being sent: Escape does nothing. */
  busy = false,
) {
  const begin = useCurrent(focus);
  // An effect after the paint would leave the keyboard nowhere for a moment.
  useLayoutEffect(() => {
    const element = dialog.current;
    const opener = document.activeElement;
    element?.showModal();
    begin.current?.();
    return () => {
      element?.close();
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, [dialog, begin]);
  return {
    onCancel: (event: Event) => {
      event.preventDefault();
      if (!busy) onClose();
    },
    // Chromium closes it without asking where Escape is pressed again with nothing done in between.
    onClose: () => {
      if (dialog.current !== null) onClose();
    },
  };
}

/** Asks before something is done: what will happen stands in it. */
export function Dialog({
  title,
  lead,
  confirm,
  leave = "Cancel",
  danger = false,
  wide = false,
  disabled = false,
  sigil,
  onConfirm,
  onClose,
  children,
}: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useRef<HTMLHeadingElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  const titleId = useId();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const modal = useModal(dialog, onClose, () => (danger ? cancel : heading).current?.focus(), busy);
  const run = async (): Promise<void> => {
    setBusy(true);
    setError(undefined);
    try {
      await onConfirm();
      onClose();
    } catch (cause) {
      setError(errorOf(cause));
      setBusy(false);
    }
  };
  return (
    <dialog ref={dialog} class={wide ? "wide" : undefined} aria-labelledby={titleId} {...modal}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy && !disabled) void run();
        }}
      >
        <h2 id={titleId} ref={heading} tabIndex={-1}>
          {title}
        </h2>
        <div class="dialog-body">
          {lead !== undefined && <p class="muted">{lead}</p>}
          {children}
          {sigil && <SameWithSigil words={sigil} />}
          <div role="alert">{error && <Problem error={error} />}</div>
        </div>
        <div class="dialog-buttons">
          <span role="status" class="small muted">
            {busy && "Sending…"}
          </span>
          <button type="button" ref={cancel} onClick={onClose} disabled={busy}>
            {leave}
          </button>
          <button type="submit" class={danger ? "danger" : "primary"} disabled={busy || disabled}>
            {confirm}
          </button>
        </div>
      </form>
    </dialog>
  );
}
