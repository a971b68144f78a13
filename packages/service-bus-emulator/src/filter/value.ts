/**
 * A value a filter compares. AMQP's integer types are bigint and its floating-point types number, so that the arithmetic
 * of a filter stays that of C# (5 / 2 is 2, 5.0 / 2 is 2.5); undefined is SQL's unknown.
 */
export type FilterValue = string | bigint | number | boolean | undefined;

/** The properties of a message that a filter may use. */
export interface FilterableMessage {
  /** A system property by its lower-case name. */
  system(lowerCaseName: string): FilterValue;
  /** An application property; names compare without case. */
  user(lowerCaseName: string): FilterValue;
  /** Whether the application property is there, be its value null or not. */
  hasUser(lowerCaseName: string): boolean;
}

/** Decides whether a subscription's rule takes a message. */
export type Filter = (message: FilterableMessage) => boolean;

/** The properties that `sys.` reaches, in lower case. */
export const SYSTEM_PROPERTIES: ReadonlySet<string> = new Set([
  "contenttype",
  "correlationid",
  "deadlettersource",
  "deliverycount",
  "enqueuedsequencenumber",
  "enqueuedtimeutc",
  "expiresatutc",
  "label",
  "lockeduntilutc",
  "locktoken",
  "messageid",
  "partitionkey",
  "replyto",
  "replytosessionid",
  "scheduledenqueuetimeutc",
  "sequencenumber",
  "sessionid",
  "size",
  "state",
  "subject",
  "timetolive",
  "to",
]);
