/**
 * The steps of a preparation: each reads every registration once, then requests those that are
 * needed. Invariants:
 *  1. Only the process that stored the look which requires it requests a registration, with the
 *     message of the next look already queued. Two hosts, a repeated message or a crash in between
 *     may repeat the request, which changes nothing in Azure.
 *  2. No time limit ends a preparation: it polls for as long as Azure throttles, delays or waits
 *     for an approval.
 *  3. Azure's answer about a feature is not final before its provider is Registered.
 */
import { ServiceError } from "../errors.js";
import { fail } from "../operation/failing.js";
import { hasEnded } from "../operation/kinds.js";
import type { OperationFailure } from "../operation/records.js";
import { commitStep, contextOf } from "../operation/steps.js";
import { wait } from "../operation/waiting.js";
import type {
  PreparationDependencies,
  Registrable,
  RegistrationState,
  StoredPreparation,
} from "./ports.js";
import { subscriptionIdOf, type PreparationRecord, type RegistrationRecord } from "./records.js";
import { followRegistrations, observe, toRegister, type ObservedStates } from "./transitions.js";

export async function takePreparationStep(
  deps: PreparationDependencies,
  stored: StoredPreparation,
): Promise<void> {
  let states: ObservedStates;
  try {
    states = await look(deps, stored.record);
  } catch (error) {
    return postponeOrFail(deps, stored, error);
  }
  const { stored: mine } =
    (await commitStep(deps, stored, (pair) => observe(pair, states, contextOf(deps)))) ?? {};
  // Invariant 1: undefined means that another process stored this look and makes the requests.
  if (mine === undefined || hasEnded(deps, mine)) return;
  return register(deps, mine, toRegister(mine.record));
}

/**
 * Throws ServiceError NotFound for a registration that Azure does not know, if its answer is final.
 */
async function look(
  deps: PreparationDependencies,
  record: PreparationRecord,
): Promise<ObservedStates> {
  const subscriptionId = subscriptionIdOf(record);
  const found = await Promise.all(
    record.registrations.map(async (registration) => ({
      registration,
      state: await deps.subscriptions.getRegistration(subscriptionId, registrableOf(registration)),
    })),
  );
  const states = statesIn(found);
  for (const { registration, state } of found) {
    const isVerdict =
      registration.feature === undefined || states.get(registration.namespace) === "Registered"; // Invariant 3.
    if (state === undefined && isVerdict) throw unknownToAzure(subscriptionId, registration);
  }
  return states;
}

async function register(
  deps: PreparationDependencies,
  stored: StoredPreparation,
  asked: readonly RegistrationRecord[],
): Promise<void> {
  if (asked.length === 0) return;
  const subscriptionId = subscriptionIdOf(stored.record);
  const answers: {
    registration: RegistrationRecord;
    state: RegistrationState | undefined;
  }[] = [];
  // Providers come before their features.
  for (const registration of asked) {
    try {
      const state = await deps.subscriptions.register(subscriptionId, registrableOf(registration));
      if (state === undefined) throw unknownToAzure(subscriptionId, registration);
      answers.push({ registration, state });
    } catch (error) {
      const isVerdict = !awaitsProvider(stored.record, registration);
      return postponeOrFail(deps, stored, error, isVerdict);
    }
  }
  await commitStep(deps, stored, (pair) =>
    followRegistrations(pair, asked, statesIn(answers), contextOf(deps)),
  );
}

function statesIn(
  found: readonly {
    registration: RegistrationRecord;
    state: RegistrationState | undefined;
  }[],
): ObservedStates {
  return new Map(
    found.flatMap(({ registration: { name }, state }) =>
      state === undefined ? [] : [[name, state] as const],
    ),
  );
}

function registrableOf({ namespace, feature }: RegistrationRecord): Registrable {
  return { namespace, ...(feature !== undefined && { feature }) };
}

function awaitsProvider(
  { registrations }: PreparationRecord,
  { namespace, feature }: RegistrationRecord,
): boolean {
  const provider = registrations.find(
    (other) => other.namespace === namespace && other.feature === undefined,
  );
  return feature !== undefined && provider?.state !== "Registered";
}

/** ARM answers 404 both for an unknown subscription and for an unknown provider or feature. */
export function unknownToAzure(
  subscriptionId: string,
  { name, feature }: Pick<RegistrationRecord, "name" | "feature">,
): ServiceError {
  return new ServiceError(
    "NotFound",
    feature === undefined
      ? `Azure has no subscription ${subscriptionId}, or no resource provider ${name} in it. Check the subscription's id, and that it is in the tenant of Sigil's identity.`
      : `Azure has no feature ${name} in the subscription ${subscriptionId}. If this cloud does not offer it, remove it from Sigil's settings.`,
  );
}

async function postponeOrFail(
  deps: PreparationDependencies,
  stored: StoredPreparation,
  error: unknown,
  isVerdict = true,
): Promise<void> {
  if (!(error instanceof ServiceError)) throw error;
  const { retryAfterMs } = error;
  const isForbidden = error.code === "ResourceManagerForbidden";
  if (retryAfterMs !== undefined || (!isVerdict && !isForbidden)) {
    await commitStep(deps, stored, (pair) =>
      wait(pair, error.message, retryAfterMs ?? 0, contextOf(deps)),
    ); // Invariant 2.
    return;
  }
  const failure: OperationFailure = {
    code: error.code,
    message: error.message,
    errors: error.findings,
  };
  await commitStep(deps, stored, (pair) => fail(pair, failure, contextOf(deps)));
}
