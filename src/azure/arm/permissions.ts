/** An action that ARM refused on a scope, such as `Microsoft.Compute/disks/read`. */
export interface Permission {
  readonly action: string;
  readonly scope: string;
}

/**
 * "…does not have authorization to perform action 'X' over scope 'Y' or the scope is invalid…". For
 * a resource that a request names: "…has permission to perform action 'A' on scope 'B'; however, it
 * does not have permission to perform action(s) 'X' on the linked scope(s) 'Y' (respectively) or
 * the linked scope(s) are invalid."
 */
const DENIED =
  /does not have (?:authorization|permission) to perform action(?:\(s\))? '([^']+)' (?:over|on) (?:the )?(?:linked )?scope(?:\(s\))? '([^']+)'/iu;

/** "…however the current tenant 'T' is not authorized to access linked subscription 'S'." */
const DENIED_TENANT =
  /action '([^']+)' on scope '[^']+'[;,] however,? the current tenant '[^']*' is not authorized to access linked subscription '([^']+)'/iu;

/** The permissions that ARM's refusal names, at least one; `asked` if it names none. */
export function deniedIn(
  message: string | undefined,
  asked: Permission,
): readonly [Permission, ...Permission[]] {
  const [, actions, scopes] = DENIED.exec(message ?? "") ?? [];
  if (actions !== undefined && scopes !== undefined) {
    const [action = "", ...otherActions] = actions.split(",");
    const [scope = "", ...otherScopes] = scopes.split(",");
    // "(respectively)": a single action applies to each scope.
    const others = otherScopes.map((other, i) => ({
      action: otherActions[i] ?? action,
      scope: other,
    }));
    return [{ action, scope }, ...others];
  }
  const [, action, subscription] = DENIED_TENANT.exec(message ?? "") ?? [];
  return action !== undefined && subscription !== undefined
    ? [{ action, scope: `/subscriptions/${subscription}` }]
    : [asked];
}

/** The built-in role that allows the action and as little else as possible. */
export function roleFor({ action }: Permission): string {
  if (/\/read$/iu.test(action)) return "Reader";
  if (/^Microsoft\.Compute\/galleries\//iu.test(action))
    return "Compute Gallery Artifacts Publisher";
  if (/^Microsoft\.Compute\/(?:disks|virtualMachines)\/write$/iu.test(action))
    return "Virtual Machine Contributor";
  return "Contributor";
}

/**
 * The command that grants Sigil's identity the permission. For a key, it grants it on the vault.
 */
export function grantOf(permission: Permission): string {
  const scope = permission.scope.replace(/(\/vaults\/[^/]+)\/keys\/.*$/iu, "$1");
  return `az role assignment create --assignee {Sigil's identity} --role "${roleFor(permission)}" --scope ${scope}`;
}
