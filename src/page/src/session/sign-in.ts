// Invariants:
//  1. Tokens are only in memory. What the browser keeps across the redirect is worthless without
//     the returned code: the verifier, state and nonce of one attempt, removed when it ends. They
//     are in this tab or, if it has no room, in every tab of the browser.
//  2. An answer counts only with the state of this attempt, and a token with its nonce from the
//     configured issuer.
import {
  allowInsecureRequests,
  authorizationCodeGrantRequest,
  calculatePKCECodeChallenge,
  discoveryRequest,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  getValidatedIdTokenClaims,
  None,
  processAuthorizationCodeResponse,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  validateAuthResponse,
  type AuthorizationServer,
  type TokenEndpointResponse,
} from "oauth4webapi";
import { inBrowser, inTab } from "../kept.js";
import { replaceAddress } from "../navigation.js";
import { personOf, type Person } from "./person.js";
import { ANSWER_WITHIN_MS, type SignInSettings } from "./settings.js";

export interface Tokens {
  readonly accessToken: string;
  readonly expiresAtMs: number;
  readonly refreshToken: string | undefined;
  readonly person: Person;
}

interface Attempt {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
  /** Where in the page the person was. */
  readonly returnTo: string;
}

const ATTEMPT = "sigil.sign-in";
const STORES = [inTab, inBrowser];
const REDIRECT_PATH = "/api/ui/";

const redirectUri = (): string => location.origin + REDIRECT_PATH;
const optionsFor = ({ authority }: SignInSettings) => ({
  signal: () => AbortSignal.timeout(ANSWER_WITHIN_MS),
  // http is for an issuer on this machine: the service refuses any other in its settings.
  [allowInsecureRequests]: authority.startsWith("http:"),
});

async function discover(settings: SignInSettings): Promise<AuthorizationServer> {
  try {
    const response = await discoveryRequest(new URL(settings.authority), {
      ...optionsFor(settings),
      algorithm: "oidc",
    });
    return await processDiscoveryResponse(new URL(settings.issuer), response);
  } catch (error) {
    throw new Error(`${settings.authority} could not be reached. ${(error as Error).message}`, {
      cause: error,
    });
  }
}

/**
 * Leaves the page for the issuer. `hint`: who was signed in before. `unasked`: without a click.
 * Then the page's own entry in the browser's history becomes the issuer's, because a step back
 * would lead there again, and from there back here.
 */
export async function beginSignIn(
  settings: SignInSettings,
  hint: string | undefined,
  unasked = false,
): Promise<void> {
  const server = await discover(settings);
  const attempt: Attempt = {
    verifier: generateRandomCodeVerifier(),
    state: generateRandomState(),
    nonce: generateRandomNonce(),
    returnTo: location.pathname + location.search,
  };
  const address = new URL(server.authorization_endpoint ?? "");
  const query = {
    client_id: settings.clientId,
    redirect_uri: redirectUri(),
    response_type: "code",
    scope: `openid profile offline_access ${settings.scope}`,
    code_challenge: await calculatePKCECodeChallenge(attempt.verifier),
    code_challenge_method: "S256",
    state: attempt.state,
    nonce: attempt.nonce,
    ...(hint !== undefined && { login_hint: hint }),
  };
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  keepAttempt(attempt);
  if (unasked) location.replace(address);
  else location.assign(address);
}

/**
 * Leaves the page for the issuer, to end the sign-in there, too. Otherwise the next click on this
 * machine would sign the same person in again without a password. `hint`: who. Returns false if the
 * issuer ends no sign-ins.
 */
export async function beginSignOut(
  settings: SignInSettings,
  hint: string | undefined,
): Promise<boolean> {
  const { end_session_endpoint } = await discover(settings);
  if (end_session_endpoint === undefined) return false;
  // OpenID Connect RP-Initiated Logout 1.0, 2. No id_token_hint: Invariant 1.
  const address = new URL(end_session_endpoint);
  const query = {
    client_id: settings.clientId,
    post_logout_redirect_uri: redirectUri(),
    ...(hint !== undefined && { logout_hint: hint }),
  };
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  location.assign(address);
  return true;
}

function keepAttempt(attempt: Attempt): void {
  takeAttempt();
  // Invariant 1.
  if (!STORES.some((store) => store.set(ATTEMPT, JSON.stringify(attempt))))
    throw new Error(
      `The browser keeps nothing for this page, and the sign-in needs that until it is done. Allow site data for ${location.origin}, or clear it where there is no room, and sign in again.`,
    );
}

/** The stored values of an attempt, which can be taken once. */
function takeAttempt(): Attempt | undefined {
  const kept = STORES.map((store) => store.get(ATTEMPT)).find((text) => text !== undefined);
  for (const store of STORES) store.remove(ATTEMPT);
  return kept === undefined ? undefined : (JSON.parse(kept) as Attempt);
}

/** Whether this page was opened by the issuer's answer. */
export function isAnswer(): boolean {
  const query = new URLSearchParams(location.search);
  return (
    location.pathname === REDIRECT_PATH &&
    query.has("state") &&
    (query.has("code") || query.has("error"))
  );
}

/** Takes the issuer's answer out of the address, and redeems it. Throws where it is not of this attempt, or a refusal. */
export async function completeSignIn(settings: SignInSettings): Promise<Tokens> {
  const answered = new URL(location.href);
  const attempt = takeAttempt();
  replaceAddress(attempt?.returnTo ?? REDIRECT_PATH);
  if (attempt === undefined)
    throw new Error("This sign-in was begun in another tab. Sign in again.");
  const server = await discover(settings);
  const client = { client_id: settings.clientId };
  // Invariant 2.
  const parameters = validateAuthResponse(server, client, answered, attempt.state);
  const response = await authorizationCodeGrantRequest(
    server,
    client,
    None(),
    parameters,
    redirectUri(),
    attempt.verifier,
    optionsFor(settings),
  );
  const tokens = await processAuthorizationCodeResponse(server, client, response, {
    expectedNonce: attempt.nonce,
    requireIdToken: true,
  });
  return tokensOf(settings, tokens);
}

/** New tokens without a click, with the present role; undefined: the issuer requires the person. */
export async function refresh(
  settings: SignInSettings,
  { refreshToken, person }: Tokens,
): Promise<Tokens | undefined> {
  if (refreshToken === undefined) return undefined;
  const server = await discover(settings);
  const client = { client_id: settings.clientId };
  const response = await refreshTokenGrantRequest(
    server,
    client,
    None(),
    refreshToken,
    optionsFor(settings),
  );
  if (response.status === 400) return undefined;
  const tokens = tokensOf(settings, await processRefreshTokenResponse(server, client, response));
  return { ...tokens, person: { ...person, roles: tokens.person.roles } };
}

function tokensOf({ scopesAssign }: SignInSettings, answer: TokenEndpointResponse): Tokens {
  const { access_token, expires_in = 300, refresh_token } = answer;
  return {
    accessToken: access_token,
    expiresAtMs: Date.now() + expires_in * 1_000,
    refreshToken: refresh_token,
    person: personOf(getValidatedIdTokenClaims(answer) ?? {}, access_token, scopesAssign),
  };
}
