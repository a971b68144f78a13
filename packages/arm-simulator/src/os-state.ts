import type { ArmResource } from "./state.js";

export const GENERALIZED = {
  code: "OSState/generalized",
  level: "Info",
  displayStatus: "VM generalized",
};

/** What a machine's properties have once it is generalized; shown in its instance view alone. */
export const GENERALIZED_VIEW = { instanceView: { statuses: [GENERALIZED] } };

/** `az vm generalize`, or whoever has put it there, has said that its system has nothing of one machine. */
export function isGeneralized({ properties }: ArmResource): boolean {
  const { statuses = [] } = (properties?.["instanceView"] ?? {}) as {
    statuses?: readonly { code?: string }[];
  };
  return statuses.some(({ code }) => code === GENERALIZED.code);
}
