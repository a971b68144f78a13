import { frames, rhea, type AmqpError, type Link, type RheaDelivery } from "./rhea.js";

/** The answer to a delivery, or to its settlement by the peer. */
export type Answer =
  { readonly kind: "accepted" } | { readonly kind: "rejected"; readonly error: AmqpError };

/**
 * Settles a delivery with an answer. Written frame by frame: rhea joins the dispositions of neighbouring deliveries, and a
 * rejection next to an acceptance would go out as accepted. `remote_settled` is set because a peer never tells of its own
 * settlement after ours, and rhea keeps a delivery in the session's buffer until both have settled.
 */
export function answer(link: Link, delivery: RheaDelivery, given: Answer): void {
  const state =
    given.kind === "rejected"
      ? rhea.message.rejected({ error: given.error }).described()
      : rhea.message.accepted().described();
  if (!delivery.remote_settled)
    link.session.output(
      frames.disposition({
        role: link.is_receiver(),
        first: delivery.id,
        last: delivery.id,
        settled: true,
        state,
      }),
    );
  delivery.settled = true;
  delivery.state = state;
  delivery.remote_settled = true;
  link.connection._register();
}
