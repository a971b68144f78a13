// Invariants:
// 1. At most one read of an issuer's keys runs at a time, however many callers wait for it.
// 2. An unknown key causes a read at once, but not within the cooldown after the last read,
//    whatever its outcome: tokens with made-up keys cannot make the service flood the issuer.
// 3. Old keys are read again. While that fails, the present keys stay valid, so that an outage of
//    the issuer locks nobody out, but only until `LONGEST_TRUST_MS`, so that a withdrawn key is not
//    accepted forever.
// 4. Keys come only from the issuer's own metadata, over the issuer's own protocol. Redirects are
//    not followed.
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from "jose";

interface IssuerKeysOptions {
  readonly now: () => Date;
  /** How long after reading the keys an unknown key cannot make the service read them again. */
  readonly cooldownMs: number;
  readonly timeoutMs: number;
}

const AGE_MS = 10 * 60_000;
const LONGEST_TRUST_MS = 24 * 60 * 60_000;

interface Keys {
  readonly find: JWTVerifyGetKey;
  readonly readAt: number;
}

/**
 * The public keys of an OpenID Connect issuer, found by discovery. If there are none, throws the
 * error of the failed read.
 */
export function createIssuerKeys(
  issuer: string,
  { now, cooldownMs, timeoutMs }: IssuerKeysOptions,
): JWTVerifyGetKey {
  let keys: Keys | undefined;
  let triedAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<Keys> | undefined;

  const read = (): Promise<Keys> =>
    (reading ??= (async () => {
      triedAt = now().getTime();
      try {
        const set = await readKeys(issuer, timeoutMs);
        keys = { find: createLocalJWKSet(set), readAt: now().getTime() };
        return keys;
      } finally {
        reading = undefined;
      }
    })()); // Invariant 1.
  const mayRead = (): boolean => reading !== undefined || now().getTime() - triedAt >= cooldownMs;

  const current = async (): Promise<Keys> => {
    if (keys === undefined) return read();
    const age = now().getTime() - keys.readAt;
    if (age < AGE_MS || (age < LONGEST_TRUST_MS && !mayRead())) return keys;
    try {
      return await read();
    } catch (error) {
      if (age < LONGEST_TRUST_MS) return keys; // Invariant 3.
      throw error;
    }
  };

  return async (header, token) => {
    const held = await current();
    try {
      return await held.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || !mayRead()) throw error; // Invariant 2.
      return (await read()).find(header, token);
    }
  };
}

async function readKeys(issuer: string, timeoutMs: number): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(timeoutMs);
  // OpenID Connect Discovery 1.0, 4.1: a slash that ends the issuer is removed before the path is appended.
  const url = `${issuer.replace(/\/$/u, "")}/.well-known/openid-configuration`;
  const metadata = await readObject(url, signal);
  // OpenID Connect Discovery 1.0, 4.3: the returned issuer MUST be identical to the one in the URL.
  if (metadata["issuer"] !== issuer) throw new Error(`${url} belongs to another issuer.`);
  const keysUrl = new URL(String(metadata["jwks_uri"]));
  if (keysUrl.protocol !== new URL(issuer).protocol)
    throw new Error(`${url} has its keys at an address of another protocol.`);
  return (await readObject(keysUrl.href, signal)) as unknown as JSONWebKeySet;
}

async function readObject(url: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  const response = await fetch(url, { redirect: "error", signal });
  if (!response.ok) {
    await response.body?.cancel();
    throw new Error(`${url} answered ${response.status}.`);
  }
  return (await response.json()) as Record<string, unknown>;
}
