import type { Clock } from "@sigil-local/clock";

/** Wakes once, at the earliest of the requested times. */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #armed: { readonly atMs: number; readonly cancel: () => void } | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `atMs` or before; Infinity asks for nothing. */
  setFor(atMs: number): void {
    if (atMs === Infinity || (this.#armed?.atMs ?? Infinity) <= atMs) return;
    this.#armed?.cancel();
    const cancel = this.#clock.at(atMs, () => {
      this.#armed = undefined;
      this.#ring();
    });
    this.#armed = { atMs, cancel };
  }

  cancel(): void {
    this.#armed?.cancel();
    this.#armed = undefined;
  }
}
