import { createContext } from "preact";
import { useContext, useRef } from "preact/hooks";
import type { Client } from "@sigil/client";
import { isRunning, type Operation } from "./operations.js";
import type { Role } from "./session/person.js";
import type { Session } from "./session/session.js";
import { useStore } from "./store.js";

export const SessionContext = createContext<Session | undefined>(undefined);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === undefined) throw new TypeError("There is no session here.");
  return session;
}

/** Calls the API as the signed-in person. */
export function useClient(): Client {
  return useSession().client;
}

/**
 * The Idempotency-Key of a request: the same while its content is the same, so that it is one
 * request even if it is sent again after a lost answer.
 */
export function useRequestKey(): (content: unknown) => string {
  const last = useRef({ content: "", key: "" });
  return (content) => {
    const text = JSON.stringify(content);
    if (last.current.key === "" || last.current.content !== text)
      last.current = { content: text, key: crypto.randomUUID() };
    return last.current.key;
  };
}

/** Whether what needs this role is offered, also after the sign-in has ended: what is shown stays. The API decides by itself. */
export function useMay(role: Role): boolean {
  const state = useStore(useSession().state);
  return "person" in state && state.person.roles.includes(role);
}

/** Whether canceling is offered: to who has asked for the operation, and to an Admin. */
export function useMayCancel(operation: Operation | undefined): boolean {
  const state = useStore(useSession().state);
  if (operation === undefined || !isRunning(operation)) return false;
  if (!("person" in state)) return false;
  const { roles, objectId } = state.person;
  return (
    roles.includes("Admin") ||
    (roles.includes("Write") &&
      objectId !== undefined &&
      operation.requestedBy?.objectId === objectId)
  );
}
