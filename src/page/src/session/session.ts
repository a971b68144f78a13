import { createClient, NotSignedInError, type Client } from "@sigil/client";
import { dropDrafts, keepDraftsOf } from "../create/model/drafts.js";
import { inTab } from "../kept.js";
import { createStore, type Store } from "../store.js";
import type { Person } from "./person.js";
import { ANSWER_WITHIN_MS, type SignInSettings } from "./settings.js";
import {
  beginSignIn,
  beginSignOut,
  completeSignIn,
  isAnswer,
  refresh,
  type Tokens,
} from "./sign-in.js";

type SessionState =
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
  /** Calls the API with the signed-in person's token; a refused token is renewed once. */
  readonly client: Client;
  /** What live.ts showed last. Signing in or out leaves the page, so it only ever holds one person's values. */
  readonly lastShown: Map<string, unknown>;
  /** Handles the issuer's answer, if there is one, and signs the person in again after a reload. */
  start(): Promise<void>;
  /** Leaves the page; it comes back to where it was. */
  signIn(): Promise<void>;
  /** Leaves nothing of the person in this tab, and then the page: the sign-in ends at the issuer, too. */
  signOut(): Promise<void>;
}

/** The person who was signed in in this tab, so that a reload needs no click. Contains no token. */
const LAST_PERSON = "sigil.person";
/** A token is renewed so long before it ends. */
const RENEW_BEFORE_MS = 60_000;
/** A plan reads Azure, and a write plans. */
const WRITTEN_WITHIN_MS = 60_000;

export function createSession(settings: SignInSettings | undefined): Session {
  const state = createStore<SessionState>(
    settings === undefined ? { kind: "notSetUp" } : { kind: "signedOut" },
  );
  const lastShown = new Map<string, unknown>();
  let tokens: Tokens | undefined;
  let renewal: Promise<void> | undefined;

  const take = (received: Tokens): void => {
    tokens = received;
    const { objectId, username, name } = received.person;
    inTab.set(LAST_PERSON, username ?? "");
    keepDraftsOf(inTab, objectId ?? username ?? name);
    const shown = state.get();
    if (shown.kind !== "signedIn" || shown.person.roles.join() !== received.person.roles.join())
      state.set({ kind: "signedIn", person: received.person });
  };
  const expire = (): void => {
    if (tokens === undefined) return;
    state.set({ kind: "expired", person: tokens.person });
    tokens = undefined;
  };
  /**
   * One at a time, because a refresh token works once. Rejects if the issuer does not answer; the
   * next call tries again.
   */
  const renew = (): Promise<void> => {
    const current = tokens;
    if (settings === undefined || current === undefined) return Promise.resolve();
    renewal ??= refresh(settings, current)
      .then(
        (renewed) => {
          if (tokens !== current) return; // Signed out meanwhile.
          if (renewed === undefined) expire();
          else take(renewed);
        },
        (cause: unknown) => {
          throw new Error(`The sign-in could not be renewed. ${messageOf(cause)}`, { cause });
        },
      )
      .finally(() => (renewal = undefined));
    return renewal;
  };
  const token = async (): Promise<string | undefined> => {
    if (tokens?.refreshToken !== undefined) {
      const endsInMs = tokens.expiresAtMs - Date.now();
      if (endsInMs <= 0) await renew();
      // It is still valid, so a slow issuer delays nothing.
      else if (endsInMs < RENEW_BEFORE_MS) renew().catch(() => undefined);
    }
    return tokens?.accessToken;
  };
  const signIn = async (unasked = false): Promise<void> => {
    if (settings === undefined) return;
    try {
      await beginSignIn(settings, inTab.get(LAST_PERSON), unasked);
    } catch (error) {
      state.set({ ...state.get(), error: messageOf(error) });
    }
  };
  const options = { endpoint: location.origin, token };
  // What is read is read again anyway; what is written is sent again with the same Idempotency-Key.
  const reader = createClient({
    ...options,
    attempts: 1,
    timeoutMs: ANSWER_WITHIN_MS,
  });
  const writer = createClient({
    ...options,
    attempts: 3,
    timeoutMs: WRITTEN_WITHIN_MS,
  });

  return {
    state,
    lastShown,
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
        if (inTab.get(LAST_PERSON)) await signIn(true);
        return;
      }
      try {
        take(await completeSignIn(settings));
      } catch (error) {
        inTab.remove(LAST_PERSON);
        state.set({ kind: "signedOut", error: messageOf(error) });
      }
    },
    signIn: () => signIn(),
    async signOut() {
      const hint = inTab.get(LAST_PERSON) || undefined;
      tokens = undefined;
      lastShown.clear();
      inTab.remove(LAST_PERSON);
      dropDrafts(inTab);
      state.set({ kind: "signedOut" });
      if (settings === undefined) return;
      try {
        if (await beginSignOut(settings, hint)) return;
        throw new Error("The issuer has no address for that.");
      } catch (error) {
        state.set({
          kind: "signedOut",
          error: `You are signed out here, but not at ${settings.authority}: close the browser. ${messageOf(error)}`,
        });
      }
    },
  };
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { error_description } = error as { error_description?: string };
  return error_description ?? error.message;
}
