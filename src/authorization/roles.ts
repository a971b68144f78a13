import { ServiceError } from "../errors.js";

/** The app roles of an access token. */
export const ROLES = [
  "ImageVersions.Read",
  "ImageVersions.Write",
  "ImageVersions.Admin",
  "ImageVersions.Approve",
] as const;

export type Role = (typeof ROLES)[number];

/**
 * The roles that include each role. None includes Approve: neither Writers nor Admins may approve
 * past a gate.
 */
const INCLUDED_BY: Readonly<Record<Role, readonly Role[]>> = {
  "ImageVersions.Read": ["ImageVersions.Write", "ImageVersions.Admin", "ImageVersions.Approve"],
  "ImageVersions.Write": ["ImageVersions.Admin"],
  "ImageVersions.Admin": [],
  "ImageVersions.Approve": [],
};

/** Whether one of these is the role, or includes it. */
export function isSufficient(held: readonly string[], role: Role): boolean {
  const sufficient: readonly string[] = [role, ...INCLUDED_BY[role]];
  return held.some((one) => sufficient.includes(one));
}

/** Whether it is one of the API's own roles; a tenant may assign others, too. */
export function isRole(name: string): name is Role {
  return ROLES.some((role) => role === name);
}

/** Throws Forbidden unless the principal has the role, or one that includes it. */
export function requireRole(principal: { readonly roles: readonly string[] }, role: Role): void {
  if (isSufficient(principal.roles, role)) return;
  throw new ServiceError(
    "Forbidden",
    `This call needs the app role ${role}; a person also needs the scope of that name. Ask an administrator to assign it.`,
    { fields: { requiredRole: role, tokenError: "insufficient_scope" } },
  );
}
