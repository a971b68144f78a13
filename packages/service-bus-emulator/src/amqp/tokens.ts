import { createHmac, timingSafeEqual } from "node:crypto";
import { parseAddress } from "./address.js";

/** The key that clients sign their tokens with. */
export interface SharedAccessKey {
  readonly name: string;
  readonly key: string;
}

/** The grant of a token. */
export type TokenCheck =
  | { readonly kind: "valid"; readonly path: string; readonly untilMs: number }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Checks a shared access signature for an audience, `sb://HOST/ENTITY`: it grants its `sr` and everything below. `sr` is
 * signed as it stands in the token, because clients escape it differently; the key is text, not base64.
 */
export function checkToken(
  token: string,
  audience: string,
  key: SharedAccessKey,
  nowMs: number,
): TokenCheck {
  const fields = new Map(
    token
      .replace(/^SharedAccessSignature\s+/u, "")
      .split("&")
      .map((field) => {
        const at = field.indexOf("=");
        return [field.slice(0, at), field.slice(at + 1)] as const;
      }),
  );
  const [resource, signature, expiry, keyName] = ["sr", "sig", "se", "skn"].map((name) =>
    fields.get(name),
  );
  if (
    resource === undefined ||
    signature === undefined ||
    expiry === undefined ||
    keyName === undefined
  )
    return refused("not a shared access signature with sr, sig, se and skn");
  if (unescape(keyName) !== key.name) return refused(`there is no key ${unescape(keyName)}`);
  const expected = createHmac("sha256", key.key).update(`${resource}\n${expiry}`).digest();
  const given = Buffer.from(unescape(signature), "base64");
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    return refused("the signature does not match the key");
  const untilMs = Number(expiry) * 1_000;
  if (!(untilMs > nowMs)) return refused("the token has expired");
  const granted = parseAddress(unescape(resource)).path;
  const { path } = parseAddress(audience);
  if (!covers(granted, path)) return refused("the token was signed for another resource");
  return { kind: "valid", path, untilMs };
}

/** Whether a grant on one path reaches another: itself and what is below it, without case. */
export function covers(granted: string, path: string): boolean {
  const [above, below] = [granted.toLowerCase(), path.toLowerCase()];
  return above === "" || below === above || below.startsWith(`${above}/`);
}

function refused(reason: string): TokenCheck {
  return { kind: "refused", reason };
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
