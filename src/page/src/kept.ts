/**
 * Values that the browser keeps for the page. It may forbid that, or have no room: then there are
 * none, and the page works without them.
 */
export interface Kept {
  get(key: string): string | undefined;
  /** Whether it is kept. */
  set(key: string, value: string): boolean;
  remove(key: string): void;
  keys(): readonly string[];
}

/**
 * `storage` is called each time, because a browser that forbids it throws even when it is named.
 */
export function keptIn(storage: () => Storage): Kept {
  const attempt = <T>(act: (storage: Storage) => T, otherwise: T): T => {
    try {
      return act(storage());
    } catch {
      return otherwise;
    }
  };
  return {
    get: (key) => attempt((each) => each.getItem(key), null) ?? undefined,
    set: (key, value) =>
      attempt((each) => {
        each.setItem(key, value);
        return true;
      }, false),
    remove: (key) => attempt((each) => each.removeItem(key), undefined),
    keys: () =>
      attempt((each) => Array.from({ length: each.length }, (_, i) => each.key(i) ?? ""), []),
  };
}

/** Only in this tab, until it is closed. */
export const inTab = keptIn(() => sessionStorage);
/** In every tab, until the person clears it. */
export const inBrowser = keptIn(() => localStorage);
