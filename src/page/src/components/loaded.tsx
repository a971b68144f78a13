import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Answer, Client, Input, OperationName } from "@sigil/client";
import { useClient } from "../context.js";
import { errorOf } from "../retry.js";
import { useCurrent } from "../use-current.js";
import { Problem } from "./problem.js";

/** Neither: not there yet. */
export interface Loaded<T> {
  readonly value?: T;
  readonly error?: Error;
}

/** The body of an answer. */
export async function read<Name extends OperationName>(
  client: Client,
  name: Name,
  input: Input<Name>,
): Promise<Answer<Name>["body"]> {
  return (await client.call(name, input)).body as Answer<Name>["body"];
}

/** Reads once for each key. */
export function useLoaded<T>(key: string, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { readonly key: string }>({ key });
  const current = useCurrent(load);
  useEffect(() => {
    const controller = new AbortController();
    const set = (now: Loaded<T>): void => {
      if (!controller.signal.aborted) setLoaded({ key, ...now });
    };
    set({});
    current.current(controller.signal).then(
      (value) => set({ value }),
      (error: unknown) => set({ error: errorOf(error) }),
    );
    return () => controller.abort();
  }, [key, current]);
  return loaded.key === key ? loaded : {};
}

/** Asks the API once for each input, and again for each `key`; `input` undefined: nothing is asked. */
export function useRead<Name extends OperationName>(
  name: Name,
  input: Input<Name> | undefined,
  key = "",
): Loaded<Answer<Name>["body"] | undefined> {
  const client = useClient();
  return useLoaded(
    JSON.stringify([name, input, key]),
    async (signal) => input && read(client, name, { ...input, signal }),
  );
}

/** What is made of the value once it is there. */
export function Loading<T>({
  of: { value, error },
  text = "Loading…",
  children,
}: {
  readonly of: Loaded<T>;
  readonly text?: string;
  readonly children: (value: NonNullable<T>) => ComponentChildren;
}) {
  if (error !== undefined) return <Problem error={error} />;
  return value === undefined || value === null ? (
    <p role="status">{text}</p>
  ) : (
    <>{children(value)}</>
  );
}
