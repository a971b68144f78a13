import { useRef } from "preact/hooks";

/** What an effect finds of the last render, without running again for it. */
export function useCurrent<T>(value: T): { readonly current: T } {
  const current = useRef(value);
  current.current = value;
  return current;
}
