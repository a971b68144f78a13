import type { ComponentChildren } from "preact";
import { useMemo } from "preact/hooks";
import { createStore, useStore, type Store } from "./store.js";
import { parsePath, pathOf, type Route } from "./routes.js";

/** The address as the page shows it: path and query. */
const address: Store<string> = createStore(location.pathname + location.search);
addEventListener("popstate", () => follow());

function follow(): void {
  address.set(location.pathname + location.search);
}

/** Goes to a view; back leads to where one was. */
export function navigate(route: Route, query = ""): void {
  history.pushState(undefined, "", pathOf(route) + query);
  follow();
  scrollTo(0, 0);
  // A view starts at its heading, so that screen readers announce the change.
  document.getElementById("main")?.focus();
}

/** Shows another address in place of this one. */
export function replaceAddress(path: string): void {
  history.replaceState(undefined, "", path);
  follow();
}

/**
 * Keeps filters in the address, so that it can be shared, without a history entry for each letter.
 */
export function replaceQuery(values: Readonly<Record<string, string>>): void {
  const query = new URLSearchParams(
    Object.entries(values).filter(([, value]) => value !== ""),
  ).toString();
  replaceAddress(location.pathname + (query === "" ? "" : `?${query}`));
}

export function useRoute(): Route {
  const { pathname } = new URL(useStore(address), location.origin);
  return useMemo(() => parsePath(pathname), [pathname]);
}

export function useQuery(): URLSearchParams {
  return new URL(useStore(address), location.origin).searchParams;
}

/** A link that stays in the page; with a modifier key it is the browser's. */
export function Link({
  to,
  query = "",
  current,
  class: className,
  tabIndex,
  children,
}: {
  readonly to: Route;
  /** With its question mark. */
  readonly query?: string;
  readonly current?: boolean;
  readonly class?: string;
  /** -1: reached by other keys than Tab. */
  readonly tabIndex?: -1;
  readonly children: ComponentChildren;
}) {
  return (
    <a
      href={pathOf(to) + query}
      class={className}
      tabIndex={tabIndex}
      aria-current={current ? "page" : undefined}
      onClick={(event) => {
        if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
          return;
        event.preventDefault();
        navigate(to, query);
      }}
    >
      {children}
    </a>
  );
}
