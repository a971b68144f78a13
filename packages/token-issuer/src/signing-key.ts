import { createHash } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type CryptoKey,
  type JSONWebKeySet,
  type JWK,
} from "jose";

/** An RS256 key pair: what signs, and what the JWKS endpoint shows. */
export interface SigningKey {
  readonly keyId: string;
  readonly privateKey: CryptoKey;
  readonly keys: JSONWebKeySet;
  /** A secret that only this key's holder can tell, the same after a restart. */
  readonly identityHeader: string;
}

/** Reads the key kept in `directory`, or makes one and keeps it there, so that tokens stay valid over a restart. */
export async function openSigningKey(directory?: string): Promise<SigningKey> {
  const file =
    directory === undefined
      ? undefined
      : path.join(path.resolve(directory), "token-signing-key.json");
  const jwk = (await readKey(file)) ?? (await createKey(file));
  const privateKey = await importJWK(jwk, "RS256");
  if (privateKey instanceof Uint8Array)
    throw new Error(`${file ?? "the new key"} is not an RSA private key`);
  const keyId = await calculateJwkThumbprint(jwk);
  const { kty, n, e, d } = jwk as Record<"kty" | "n" | "e" | "d", string>;
  return {
    keyId,
    privateKey,
    identityHeader: createHash("sha256").update(`IDENTITY_HEADER ${d}`).digest("hex"),
    keys: { keys: [{ kty, n, e, use: "sig", alg: "RS256", kid: keyId }] },
  };
}

async function readKey(file: string | undefined): Promise<JWK | undefined> {
  if (file === undefined) return undefined;
  try {
    return JSON.parse(await readFile(file, "utf8")) as JWK;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`${file}: not a key that can be read; delete it`, {
      cause: error,
    });
  }
}

async function createKey(file: string | undefined): Promise<JWK> {
  const { privateKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  if (file !== undefined) {
    await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
    const temporary = `${file}.${process.pid}.tmp`;
    await writeFile(temporary, JSON.stringify(jwk), { mode: 0o600 });
    await rename(temporary, file);
  }
  return jwk;
}
