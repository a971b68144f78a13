import { equal } from "./sql-filter.js";
import type { Filter, FilterValue } from "./value.js";

/** The conditions of a correlation filter: every one that is given must hold. */
export interface CorrelationConditions {
  /** By lower-case name of the system property. */
  readonly system: ReadonlyMap<string, string>;
  /** By lower-case name of the application property. */
  readonly user: ReadonlyMap<string, FilterValue>;
}

/** The filter of a correlation rule: equality, with case, on each property that the rule names. */
export function createCorrelationFilter(conditions: CorrelationConditions): Filter {
  const system = [...conditions.system];
  const user = [...conditions.user];
  return (message) =>
    system.every(([name, wanted]) => message.system(name) === wanted) &&
    user.every(([name, wanted]) => {
      const value = message.user(name);
      return value !== undefined && equal(value, wanted);
    });
}
