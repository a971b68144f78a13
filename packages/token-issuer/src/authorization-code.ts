/**
 * The authorization code flow with PKCE for a page without a secret: RFC 6749 sections 4.1 and 6, RFC 7636, OpenID Connect
 * Core section 3.1, at Entra ID's paths and with its words.
 */
import { createHash, randomBytes } from "node:crypto";
import type { Clock } from "@sigil-local/clock";
import { objectIdOf, type AccessToken, type TokenClaims } from "./access-tokens.js";
import { LOCAL_PEOPLE, LOCAL_PUBLIC_CLIENT, type Person } from "./people.js";

export interface SignInOptions {
  readonly audience: string;
  readonly clock: Clock;
  readonly issue: (claims: TokenClaims) => Promise<AccessToken>;
}

/** A browser's answer: a page, or a redirect. */
export type AuthorizationAnswer =
  | { readonly kind: "page"; readonly status: number; readonly html: string }
  | { readonly kind: "redirect"; readonly location: string };

export type TokenAnswer =
  | {
      readonly kind: "tokens";
      readonly body: Readonly<Record<string, unknown>>;
    }
  | {
      readonly kind: "error";
      readonly error: string;
      readonly description: string;
    };

export interface SignIns {
  authorize(url: URL): AuthorizationAnswer;
  /**
   * OpenID Connect RP-Initiated Logout 1.0: nobody stays signed in here, so this only redirects the
   * browser.
   */
  signOut(url: URL): AuthorizationAnswer;
  redeem(form: URLSearchParams): Promise<TokenAnswer>;
  /** Seconds that the next access tokens of people live; with false no refresh token is given, and those given are void. */
  setLifetime(seconds: number, refreshable: boolean): void;
  /** Sets the roles in the person's next tokens, including renewed ones. */
  setRoles(username: string, roles: readonly string[]): void;
}

interface Grant {
  readonly person: Person;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string | undefined;
  readonly scope: string;
  readonly expiresAtMs: number;
}

const CODE_LIFETIME_MS = 60_000;
const LIFETIME_SECONDS = 3600;

/** The sign-ins of one issuer. Codes and refresh tokens are in memory: each is used once. */
export function createSignIns(options: SignInOptions): SignIns {
  const { audience, clock, issue } = options;
  const codes = new Map<string, Grant>();
  const refreshTokens = new Map<string, Omit<Grant, "expiresAtMs">>();
  const roles = new Map<string, readonly string[]>();
  let lifetimeSeconds = LIFETIME_SECONDS;
  let refreshable = true;

  const tokensFor = async (grant: Omit<Grant, "expiresAtMs">): Promise<TokenAnswer> => {
    const { person, nonce, scope } = grant;
    const claims = {
      name: person.name,
      preferred_username: `${person.username}@localhost`,
      idtyp: undefined,
    };
    const common = {
      appId: LOCAL_PUBLIC_CLIENT.clientId,
      subject: objectIdOf(person.username),
      roles: roles.get(person.username) ?? person.roles,
      expiresInSeconds: lifetimeSeconds,
    };
    const access = await issue({
      ...common,
      extraClaims: {
        ...claims,
        azpacr: "0",
        scp: LOCAL_PUBLIC_CLIENT.scopes.join(" "),
      },
    });
    const id = await issue({
      ...common,
      audience: LOCAL_PUBLIC_CLIENT.clientId,
      // An ID token lives as long as it takes to read it, whatever a test wants of the other one.
      expiresInSeconds: LIFETIME_SECONDS,
      extraClaims: { ...claims, azp: undefined, azpacr: undefined, nonce },
    });
    const refreshes = refreshable && scope.split(" ").includes("offline_access");
    const refreshToken = randomBytes(32).toString("base64url");
    if (refreshes) refreshTokens.set(refreshToken, grant);
    return {
      kind: "tokens",
      body: {
        token_type: "Bearer",
        scope: LOCAL_PUBLIC_CLIENT.scopes.map((name) => `${audience}/${name}`).join(" "),
        expires_in: lifetimeSeconds,
        ext_expires_in: lifetimeSeconds,
        access_token: access.token,
        ...(refreshes && { refresh_token: refreshToken }),
        id_token: id.token,
      },
    };
  };

  return {
    authorize(url) {
      const query = url.searchParams;
      const clientId = query.get("client_id") ?? "";
      if (clientId !== LOCAL_PUBLIC_CLIENT.clientId)
        return refusal(`AADSTS700016: application '${clientId}' was not found in the directory.`);
      const redirectUri = query.get("redirect_uri") ?? "";
      if (!isLoopback(redirectUri))
        return refusal(
          `AADSTS50011: the redirect URI '${redirectUri}' is not an address on this machine.`,
        );
      const back = (answer: Readonly<Record<string, string>>): AuthorizationAnswer => {
        const parameters = new URLSearchParams(answer);
        const state = query.get("state");
        if (state !== null) parameters.set("state", state);
        const mark = query.get("response_mode") === "fragment" ? "#" : "?";
        return {
          kind: "redirect",
          location: redirectUri + mark + String(parameters),
        };
      };
      const refuse = (error: string, error_description: string) =>
        back({ error, error_description });
      const challenge = query.get("code_challenge") ?? "";
      if (query.get("response_type") !== "code")
        return refuse(
          "unsupported_response_type",
          "AADSTS700054: this issuer knows the response_type 'code'.",
        );
      if (query.get("code_challenge_method") !== "S256" || !/^[\w-]{43}$/u.test(challenge))
        return refuse(
          "invalid_request",
          "AADSTS9002325: Proof Key for Code Exchange with S256 is required for cross-origin authorization code redemption.",
        );
      const scope = query.get("scope") ?? "";
      const asked = scope.split(" ").filter((name) => !OPENID_SCOPES.includes(name));
      const known = [".default", ...LOCAL_PUBLIC_CLIENT.scopes].map(
        (name) => `${audience}/${name}`,
      );
      const unknown = asked.find((name) => !known.includes(name));
      if (unknown !== undefined || asked.length === 0)
        return refuse(
          "invalid_scope",
          `AADSTS70011: the scope '${unknown ?? scope}' is not valid. This issuer knows ${known.join(", ")}.`,
        );
      const hint = (query.get("login_hint") ?? "").replace(/@localhost$/u, "");
      const person = LOCAL_PEOPLE.find(({ username }) => username === hint);
      if (person === undefined || query.get("prompt") === "select_account")
        return query.get("prompt") === "none"
          ? refuse("login_required", "AADSTS50058: nobody is signed in.")
          : { kind: "page", status: 200, html: choice(url) };

      const now = clock.now();
      for (const [code, { expiresAtMs }] of codes) if (expiresAtMs <= now) codes.delete(code);
      const code = randomBytes(32).toString("base64url");
      codes.set(code, {
        person,
        redirectUri,
        challenge,
        nonce: query.get("nonce") ?? undefined,
        scope,
        expiresAtMs: now + CODE_LIFETIME_MS,
      });
      return back({ code });
    },

    signOut(url) {
      const back = url.searchParams.get("post_logout_redirect_uri") ?? "";
      return isLoopback(back)
        ? { kind: "redirect", location: back }
        : {
            kind: "page",
            status: 200,
            html: page("You signed out of your account", ""),
          };
    },

    async redeem(form) {
      const given = (name: string): string => form.get(name) ?? "";
      if (given("client_id") !== LOCAL_PUBLIC_CLIENT.clientId)
        return failure(
          "unauthorized_client",
          `AADSTS700016: application '${given("client_id")}' was not found in the directory.`,
        );
      if (given("grant_type") === "refresh_token") {
        const grant = refreshTokens.get(given("refresh_token"));
        refreshTokens.delete(given("refresh_token"));
        return grant === undefined
          ? failure("invalid_grant", "AADSTS70000: the refresh token is unknown, or was used.")
          : tokensFor({ ...grant, nonce: undefined });
      }
      const grant = codes.get(given("code"));
      codes.delete(given("code")); // RFC 6749, 4.1.2: a code is used once, also where that failed.
      if (
        grant === undefined ||
        grant.expiresAtMs <= clock.now() ||
        grant.redirectUri !== given("redirect_uri")
      )
        return failure(
          "invalid_grant",
          "AADSTS70008: the code is unknown, was used, has expired, or belongs to another redirect URI.",
        );
      const challenge = createHash("sha256").update(given("code_verifier")).digest("base64url");
      if (challenge !== grant.challenge)
        return failure(
          "invalid_grant",
          "AADSTS501481: the code_verifier does not match the code_challenge.",
        );
      return tokensFor(grant);
    },

    setLifetime(seconds, mayRefresh) {
      lifetimeSeconds = seconds;
      refreshable = mayRefresh;
      if (!mayRefresh) refreshTokens.clear();
    },

    setRoles: (username, given) => void roles.set(username, given),
  };
}

const OPENID_SCOPES = ["openid", "profile", "email", "offline_access", ""];

function refusal(message: string): AuthorizationAnswer {
  return {
    kind: "page",
    status: 400,
    html: page("Sign-in failed", `<p>${escaped(message)}</p>`),
  };
}

function failure(error: string, description: string): TokenAnswer {
  return { kind: "error", error, description };
}

/** Quiet, light or dark, as wide as a phone. */
export const STYLE = `:root{color-scheme:light dark;--ground:#f8f8fa;--surface:#fff;--line:#e5e5ea;--sunk:#f2f2f5;--text:#17181c;--muted:#5a5c66;--ink:#4046b8}
@media(prefers-color-scheme:dark){:root{--ground:#0f1012;--surface:#17181b;--line:#2b2c32;--sunk:#1f2024;--text:#ededf0;--muted:#a2a4ae;--ink:#a7adff}}
*{box-sizing:border-box;margin:0}
html{font:14px/20px "Segoe UI Variable Text","Segoe UI",system-ui,sans-serif;color:var(--text);background:var(--ground)}
main{max-width:400px;margin:48px auto;border:1px solid var(--line);border-radius:10px;background:var(--surface)}
h1,p{padding:16px}h1{font-size:16px}p{font-size:12px;color:var(--muted)}
ul{padding:0;list-style:none}a{display:flex;justify-content:space-between;gap:16px;padding:12px 16px;border-top:1px solid var(--line);color:inherit;font-weight:600;text-decoration:none}
a:hover{background:var(--sunk)}a span{color:var(--muted);font-weight:400}li:last-child{border-bottom:1px solid var(--line)}
:focus-visible{outline:2px solid var(--ink);outline-offset:-2px}`;

/** Each link is the same request again, with the person named. */
function choice(url: URL): string {
  const links = LOCAL_PEOPLE.map(({ username, name, roles }) => {
    const address = new URL(url);
    address.searchParams.delete("prompt");
    address.searchParams.set("login_hint", username);
    return `<li><a href="${escaped(address.pathname + address.search)}">${name} <span>${roles.join(", ")}</span></a></li>`;
  });
  return page(
    "Sign in as",
    `<ul>${links.join("")}</ul><p>This issuer runs on this machine, for tests. Nobody needs a password.</p>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}

/**
 * Whether an address or origin is on this machine: no other gets a code, or may let a script read a
 * token.
 */
export function isLoopback(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, hash } = new URL(address);
  return (
    /^https?:$/u.test(protocol) &&
    ["localhost", "127.0.0.1", "[::1]"].includes(hostname) &&
    hash === ""
  );
}
