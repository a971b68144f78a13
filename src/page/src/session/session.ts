import { createClient, NotSignedInError, type Client } from "@sigil/client";
import { createStore, type Store } from "../store.js";
import type { Person } from "./person.js";
import type { SignInSettings } from "./settings.js";
import {
  beginSignIn,
  completeSignIn,
  isAnswer,
  refresh,
  type Tokens,
} from "./sign-in.js";

export type SessionState =
  /** The service has no client for the page. */
  (
    | { readonly kind: "notSetUp" }
    | { readonly kind: "signedOut" }
    | { readonly kind: "signedIn"; readonly person: Person }
    /** What is shown stays; nothing new is read until the person signs in again. */
    | { readonly kind: "expired"; readonly person: Person }
  ) & {
    /** Why the last attempt to sign in failed. */
    readonly error?: string;
  };

export interface Session {
  readonly state: Store<SessionState>;
  /** Calls the API with the token of whoever is signed in; one that is refused is renewed once. */
  readonly client: Client;
  /** Takes the issuer's answer where there is one, and signs in whoever was before a reload. */
  start(): Promise<void>;
  /** Leaves the page; it comes back to where it was. */
  signIn(): Promise<void>;
  signOut(): void;
}

/** Who was signed in in this tab, so that a reload needs no click. No token. */
const LAST_PERSON = "sigil.person";
/** A token is renewed so long before it ends. */
const RENEW_BEFORE_MS = 60_000;

export function createSession(settings: SignInSettings | undefined): Session {
  const state = createStore<SessionState>(
    settings === undefined ? { kind: "notSetUp" } : { kind: "signedOut" },
  );
  let tokens: Tokens | undefined;
  let renewal: Promise<void> | undefined;

  const take = (received: Tokens): void => {
    tokens = received;
    sessionStorage.setItem(LAST_PERSON, received.person.username ?? "");
    const shown = state.get();
    if (shown.kind !== "signedIn" || shown.person.role !== received.person.role)
      state.set({ kind: "signedIn", person: received.person });
  };
  const expire = (): void => {
    if (tokens === undefined) return;
    state.set({ kind: "expired", person: tokens.person });
    tokens = undefined;
  };
  /** One at a time: a refresh token is used once. An issuer that does not answer is asked again with the next call. */
  const renew = (): Promise<void> => {
    const current = tokens;
    if (settings === undefined || current === undefined)
      return Promise.resolve();
    renewal ??= refresh(settings, current)
      .then(
        (renewed) => {
          if (renewed !== undefined) take(renewed);
        },
        () => undefined,
      )
      .finally(() => (renewal = undefined));
    return renewal;
  };
  const token = async (): Promise<string | undefined> => {
    if (
      tokens?.refreshToken !== undefined &&
      tokens.expiresAtMs - Date.now() < RENEW_BEFORE_MS
    )
      await renew();
    return tokens?.accessToken;
  };
  const signIn = async (unasked = false): Promise<void> => {
    if (settings === undefined) return;
    try {
      await beginSignIn(
        settings,
        sessionStorage.getItem(LAST_PERSON) ?? undefined,
        unasked,
      );
    } catch (error) {
      state.set({
        ...state.get(),
        error: `${settings.authority} could not be reached. ${messageOf(error)}`,
      });
    }
  };
  const options = { endpoint: location.origin, token };
  // What is read is read again anyway; what is written is sent again with the same Idempotency-Key.
  const reader = createClient({ ...options, attempts: 1 });
  const writer = createClient({ ...options, attempts: 3 });

  return {
    state,
    client: {
      async call(name, input) {
        const inner = /^(?:get|list)/u.test(name) ? reader : writer;
        try {
          return await inner.call(name, input);
        } catch (error) {
          if (!(error instanceof NotSignedInError)) throw error;
          if (tokens?.refreshToken === undefined) {
            expire();
            throw error;
          }
        }
        await renew();
        try {
          return await inner.call(name, input);
        } catch (error) {
          if (error instanceof NotSignedInError) expire();
          throw error;
        }
      },
    },
    async start() {
      if (settings === undefined) return;
      if (!isAnswer()) {
        if (sessionStorage.getItem(LAST_PERSON)) await signIn(true);
        return;
      }
      try {
        take(await completeSignIn(settings));
      } catch (error) {
        sessionStorage.removeItem(LAST_PERSON);
        state.set({ kind: "signedOut", error: messageOf(error) });
      }
    },
    signIn: () => signIn(),
    signOut() {
      tokens = undefined;
      sessionStorage.removeItem(LAST_PERSON);
      state.set({ kind: "signedOut" });
    },
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { error_description } = error as { error_description?: string };
  return error_description ?? error.message;
}
