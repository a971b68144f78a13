/** The exports of the package. */
export {
  createClient,
  entries,
  type Answer,
  type Client,
  type ClientOptions,
  type Input,
  type OperationName,
  type Schemas,
} from "./api.js";
export { EVENT_TYPES, isEvent, type EventType, type SigilEvent } from "./events.js";
export {
  ConflictError,
  ConnectionError,
  ForbiddenError,
  InvalidRequestError,
  isUnavailable,
  NotFoundError,
  NotSignedInError,
  OperationCanceledError,
  OperationFailedError,
  PlanRefusedError,
  PreconditionFailedError,
  ProblemError,
  retryAfterMs,
  SigilError,
  UnavailableError,
  type Operation,
  type Problem,
} from "./problems.js";
export { imageVersionPath, parseResourceId, type ImageVersionPath } from "./resource-id.js";
export { hasEnded, statusOf, waitUntilReady, type WaitOptions } from "./waiting.js";
