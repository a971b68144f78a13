/** Accepts a request: makes its operation, lists it, tells it, and applies the first consequences. Pure. */
import type { Finding } from "../../errors.js";
import { IMAGE_VERSION_EVENT } from "../../events/image-version-events.js";
import { omit } from "../../objects.js";
import { advance, event } from "../../operation/advance.js";
import { indexed } from "../../operation/catalog.js";
import type { TransitionContext } from "../../operation/ports.js";
import { operationIdOf, type OperationRecord } from "../../operation/records.js";
import { lastSequenceOf } from "../../operation/sequence.js";
import { afterBegun, asAnew, begun, type Accepting } from "../state/accepting.js";
import { declaredIn } from "../properties/fields.js";
import { ruleOf } from "../state/fold.js";
import { untilQuiet } from "../state/observe.js";
import type { ImageVersionPair, ImageVersionRecord } from "../state/record.js";
import { isFinal } from "../state/states.js";
import { newRegion } from "../state/write.js";
import { childRows, heldRow, told } from "./tell.js";

/** `accepted` is the new operation; the pair's operation is the one whose messages drive all open operations. */
export function accept(
  asked: Accepting,
  known: ImageVersionPair | undefined,
  context: TransitionContext,
  warnings: readonly Finding[] = [],
): ImageVersionPair & { readonly accepted: OperationRecord } {
  const stored = known && told(known, asAnew(known.record, asked, context), context);
  const record = begun(stored?.record, asked, context);
  const operation = operationOf(asked, record, warnings, context);
  const effects = [
    indexed(operation, context),
    ...heldRow(asked.resourceId, ruleOf(asked.request.patch)),
    ...childRows(
      asked.resourceId,
      declaredIn(asked.request.patch).map(([, id]) => id),
    ),
    event(operation, context, IMAGE_VERSION_EVENT.accepted, "accepted", {
      kind: operation.kind,
      requestedBy: operation.requestedBy,
      targetRegions: [...asked.regions],
      ...(asked.event !== undefined && { request: asked.event }),
    }),
  ];
  if (stored === undefined || isFinal(stored.record.state)) {
    const pair = advance({ record, operation }, context, {
      patch: {},
      message: "The request is stored and its work is queued.",
      ...untilQuiet(record, context),
      effects,
    });
    return { ...pair, accepted: pair.operation };
  }
  const time = context.now.toISOString();
  const message = "The request is stored. It goes with the next update of the version.";
  const member = { ...operation, history: [{ time, state: "Accepted", message }] };
  const pair: ImageVersionPair = {
    ...stored,
    record: {
      ...record,
      members: [...record.members, member],
      outbox: [...record.outbox, ...effects],
    },
    changedOperations: [member],
  };
  const after = told(pair, afterBegun(pair.record, member.id, asked, context), context);
  return { ...after, accepted: member };
}

/** The operation as accepted, not started. */
function operationOf(
  accepting: Accepting,
  record: ImageVersionRecord,
  warnings: readonly Finding[],
  { now }: TransitionContext,
): OperationRecord {
  const time = now.toISOString();
  const { key, regions, event: request, ...asked } = omit(accepting, "request", "look", "endsRule");
  return {
    ...asked,
    ...(request && { request }),
    id: operationIdOf({ key, sequence: lastSequenceOf(record) }),
    status: "NotStarted",
    createdTime: time,
    lastUpdatedTime: time,
    regions: regions.map(
      (name) => record.regions.find((one) => one.name === name) ?? newRegion(name),
    ),
    history: [],
    ...(warnings.length > 0 && { warnings }),
  };
}
