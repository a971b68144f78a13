import { ServiceBusClient } from "@azure/service-bus";
import type { TokenCredential } from "@azure/identity";
import { ServiceError } from "../../errors.js";

/** How to reach Service Bus: a connection string, or a namespace and an identity. */
export type ServiceBusNamespace =
  | { readonly kind: "connectionString"; readonly connectionString: string }
  | {
      readonly kind: "identity";
      readonly fullyQualifiedNamespace: string;
      readonly credential: TokenCredential;
    };

export const EVENTS_TOPIC = "image-version-events";
export const REQUESTS_QUEUE = "image-version-requests";
export const REJECTED_QUEUE = "image-version-requests-rejected";
export const WORK_QUEUES = [
  "image-version-creations",
  "image-version-replications",
  "subscription-preparations",
  "machine-tests",
] as const;

const RETRY_AFTER_MS = 5_000;

export function connect(namespace: ServiceBusNamespace): ServiceBusClient {
  return namespace.kind === "connectionString"
    ? new ServiceBusClient(namespace.connectionString)
    : new ServiceBusClient(namespace.fullyQualifiedNamespace, namespace.credential);
}

/**
 * Returns the call's result. Any failure of Service Bus becomes DependencyUnavailable, and a
 * message that is too large a RangeError.
 */
export async function translateErrors<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof RangeError) throw error;
    throw new ServiceError(
      "DependencyUnavailable",
      "Service Bus did not accept a message or did not answer a request.",
      {
        retryAfterMs: RETRY_AFTER_MS,
        cause: error,
      },
    );
  }
}
