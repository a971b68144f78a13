/** Who is signed in, to be shown; what the page offers follows the role. The API decides by itself. */
export interface Person {
  readonly name: string;
  readonly username: string | undefined;
  /** `oid`: what the API knows a person by. */
  readonly objectId: string | undefined;
  /** With those that they include, the highest last; none: the API will refuse every call. */
  readonly roles: readonly Role[];
}

/** Each role with those that include it. Only an approver approves. */
const INCLUDED_BY = {
  Read: ["Read", "Approve", "Write", "Admin"],
  Approve: ["Approve"],
  Write: ["Write", "Admin"],
  Admin: ["Admin"],
} as const;
export type Role = keyof typeof INCLUDED_BY;

/**
 * The access token is this API's own. The page reads it only to decide what to offer; the service
 * decides what is allowed.
 */
export function personOf(
  idClaims: Readonly<Record<string, unknown>>,
  accessToken: string,
  scopesAssign: boolean,
): Person {
  const claims = claimsOf(accessToken);
  const text = (name: string): string | undefined =>
    [idClaims[name], claims[name]].find(
      (value): value is string => typeof value === "string" && value !== "",
    );
  const username = text("preferred_username") ?? text("email");
  const roles = Array.isArray(claims["roles"]) ? claims["roles"] : [];
  const scopes = typeof claims["scp"] === "string" ? claims["scp"].split(" ") : undefined;
  const holds = (names: readonly unknown[], role: Role): boolean =>
    INCLUDED_BY[role].some((each) => names.includes(`ImageVersions.${each}`));
  return {
    name: text("name") ?? username ?? "Unknown",
    username,
    objectId: text("oid"),
    roles: (Object.keys(INCLUDED_BY) as Role[]).filter(
      (role) =>
        (scopes === undefined || holds(scopes, role)) &&
        ((scopes !== undefined && scopesAssign) || holds(roles, role)),
    ),
  };
}

function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const [, payload = ""] = token.split(".");
    const bytes = Uint8Array.from(
      atob(payload.replaceAll("-", "+").replaceAll("_", "/")),
      (character) => character.charCodeAt(0),
    );
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    return {}; // Opaque: nothing is offered but reading, and the API answers what it will.
  }
}
