/** Which action on which scope ARM would not allow, such as `Microsoft.Compute/disks/read`. */
export interface Permission {
  readonly action: string;
  readonly scope: string;
}

/**
 * "…does not have authorization to perform action 'X' over scope 'Y' or the scope is invalid…"; and of a resource that
 * a request names: "…has permission to perform action 'A' on scope 'B'; however, it does not have permission to perform
 * action(s) 'X' on the linked scope(s) 'Y' (respectively) or the linked scope(s) are invalid."
 */
const DENIED =
  /does not have (?:authorization|permission) to perform action(?:\(s\))? '([^']+)' (?:over|on) (?:the )?(?:linked )?scope(?:\(s\))? '([^']+)'/iu;

/** "…however the current tenant 'T' is not authorized to access linked subscription 'S'." */
const DENIED_TENANT =
  /action '([^']+)' on scope '[^']+'[;,] however,? the current tenant '[^']*' is not authorized to access linked subscription '([^']+)'/iu;

/** What ARM's refusal says was not allowed, at least one; what was `asked` where it does not say. */
export function deniedIn(
  message: string | undefined,
  asked: Permission,
): readonly [Permission, ...Permission[]] {
  const [, actions, scopes] = DENIED.exec(message ?? "") ?? [];
  if (actions !== undefined && scopes !== undefined) {
    const [action = "", ...otherActions] = actions.split(",");
    const [scope = "", ...otherScopes] = scopes.split(",");
    // "(respectively)"; an action that is said once is meant of each scope.
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

/** A built-in role that allows it, of those the one that allows least. */
export function roleFor({ action }: Permission): string {
  if (/\/read$/iu.test(action)) return "Reader";
  if (/^Microsoft\.Compute\/galleries\//iu.test(action))
    return "Compute Gallery Artifacts Publisher";
  if (/^Microsoft\.Compute\/(?:disks|virtualMachines)\/write$/iu.test(action))
    return "Virtual Machine Contributor";
  return "Contributor";
}

/** The command that gives Sigil's identity what it lacks; of a key, on its vault. */
export function grantOf(permission: Permission): string {
  const scope = permission.scope.replace(/(\/vaults\/[^/]+)\/keys\/.*$/iu, "$1");
  return `az role assignment create --assignee {Sigil's identity} --role "${roleFor(permission)}" --scope ${scope}`;
}
