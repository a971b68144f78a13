import { ServiceError } from "../../src/errors.js";

/** The ServiceError that a promise is rejected with; throws where it is not, or with anything else. */
export async function refusal(promise: Promise<unknown>): Promise<ServiceError> {
  const outcome: unknown = await promise.catch((reason: unknown) => reason);
  if (outcome instanceof ServiceError) return outcome;
  if (outcome instanceof Error) throw outcome;
  throw new Error(`was not refused: ${JSON.stringify(outcome)}`);
}
