import type { AmqpError, Link, Terminus } from "./rhea.js";

/**
 * A source or target to answer with: the peer's, field by field. Handing rhea the peer's own would share the list inside,
 * which for an empty one is the list of every empty composite; an absent one is named, since some clients take null for a refusal.
 */
export function echo(terminus: Terminus | null, name: string): object {
  const fields: Record<string, unknown> = { address: name };
  for (const field of [
    "address",
    "durable",
    "expiry_policy",
    "timeout",
    "dynamic",
    "distribution_mode",
    "outcomes",
    "capabilities",
  ] as const) {
    const value = terminus?.[field];
    if (value !== undefined && value !== null) fields[field] = value;
  }
  return fields;
}

/**
 * Answers an attach with an error: "an attach indicating that the link endpoint has no associated local terminus", and a
 * detach with the error (AMQP 2.6.3). With a terminus the .NET client takes the link for open.
 */
export function refuse(link: Link, error: AmqpError): void {
  link.local.attach[link.is_receiver() ? "target" : "source"] = null;
  link.close(error);
}
