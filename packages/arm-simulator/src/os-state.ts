import type { ArmResource } from "./state.js";

export const GENERALIZED = {
  code: "OSState/generalized",
  level: "Info",
  displayStatus: "VM generalized",
};

/** The property of a generalized machine; only its instance view shows it. */
export const GENERALIZED_VIEW = { instanceView: { statuses: [GENERALIZED] } };

/**
 * Whether `az vm generalize`, or the creator of the machine, declared its system free of anything
 * specific to one machine.
 */
export function isGeneralized({ properties }: ArmResource): boolean {
  const { statuses = [] } = (properties?.["instanceView"] ?? {}) as {
    statuses?: readonly { code?: string }[];
  };
  return statuses.some(({ code }) => code === GENERALIZED.code);
}
