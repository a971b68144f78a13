import { SUBSCRIPTION_EVENT } from "../events/subscription-events.js";
import type { Kind } from "../operation/ports.js";
import type { OperationRecord } from "../operation/records.js";
import { ENDS, type States } from "../operation/states.js";
import type { PreparationRecord, PreparationState, Registrations } from "./records.js";

const PREPARATIONS = "subscription-preparations";

const STATES: States<PreparationState> = {
  Requested: {
    status: "NotStarted",
    queue: PREPARATIONS,
    next: {
      Registering: "something is not registered",
      Succeeded: "everything is Registered",
    },
    ifCanceled: "Nothing was requested from Azure for it, and nothing will be.",
  },
  Registering: {
    status: "Running",
    queue: PREPARATIONS,
    next: { Succeeded: "everything is Registered" },
    ifCanceled: "Azure continues the requested registrations. Sigil requests nothing more.",
  },
  ...ENDS,
};

export const PREPARATION_KIND: Kind<PreparationRecord> = {
  states: STATES,
  events: {
    failed: (_, data) => ({ type: SUBSCRIPTION_EVENT.preparationFailed, data }),
    canceled: (_, data) => ({
      type: SUBSCRIPTION_EVENT.preparationCanceled,
      data,
    }),
  },
  view: (operation) => ({ registrations: [...registrationsOf(operation)] }),
  parts: (operation) =>
    registrationsOf(operation).map(({ state }) => (state === "Registered" ? 100 : 0)),
};

function registrationsOf({ detail }: OperationRecord): Registrations {
  return detail as Registrations;
}
