import { h, type ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

/** A view whose files are loaded when it is first shown. */
export function lazy<Props extends object>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> {
  let loaded: ComponentType<Props> | undefined;
  return function Lazy(props: Props) {
    const [state, setState] = useState<"loading" | "loaded" | "failed">(
      loaded === undefined ? "loading" : "loaded",
    );
    useEffect(() => {
      if (loaded !== undefined) return;
      load().then(
        (component) => {
          loaded = component;
          setState("loaded");
        },
        () => setState("failed"),
      );
    }, []);
    // A deployment since then has other files: the page's new address names them.
    if (state === "failed")
      return <p role="alert">This part of the page could not be loaded. Reload the page.</p>;
    return loaded === undefined ? <p role="status">Loading…</p> : h(loaded, props);
  };
}
