import type { Composite, Connection, Session } from "./rhea.js";

/** Fields of each performative by its descriptor (AMQP 2.7): open, begin, attach, flow, transfer, disposition, detach, end, close. */
const FIELD_COUNTS: Readonly<Record<number, number>> = {
  0x10: 10,
  0x11: 8,
  0x12: 14,
  0x13: 11,
  0x14: 11,
  0x15: 6,
  0x16: 3,
  0x17: 1,
  0x18: 1,
};
const ERROR_DESCRIPTOR = 0x1d;
const ERROR_FIELD_COUNT = 3;
const HANDLE_MAX = 65_535;
/** Any format but 0, for which rhea would decode the message and throw its bytes away. */
const RAW_FORMAT = 1;

/**
 * Writes every performative of this connection with all its fields. A sender may leave out trailing nulls (AMQP 1.4), and
 * rhea does, but some clients read the fields by position and fail when they are not there.
 */
export function writeWholePerformatives(connection: Connection): void {
  const write = connection._write_frame.bind(connection);
  connection._write_frame = (channel, performative, payload) => {
    if (performative !== undefined) pad(performative);
    write(channel, performative, payload);
  };
}

function pad(performative: Composite): void {
  const { value: fields } = performative;
  const descriptor = performative.constructor.descriptor?.numeric ?? 0;
  fields.length = Math.max(fields.length, FIELD_COUNTS[descriptor] ?? 0);
  for (const field of fields)
    if (isError(field)) field.value.length = Math.max(field.value.length, ERROR_FIELD_COUNT);
}

function isError(field: unknown): field is { value: unknown[] } {
  const typed = field as { value?: unknown; descriptor?: { value?: unknown } } | null | undefined;
  return typed?.descriptor?.value === ERROR_DESCRIPTOR && Array.isArray(typed.value);
}

/** Says how many links a session may have, which some clients compare without looking for null. */
export function announceHandleMax(session: Session): void {
  session.local.begin.handle_max = HANDLE_MAX;
}

/** Makes rhea hand over messages as bytes, so that they can be kept as they were written. */
export function receiveRawMessages(session: Session): void {
  const onTransfer = session.on_transfer.bind(session);
  session.on_transfer = (frame) => {
    // Null in the second and later transfers of a delivery, and 0 for a plain message.
    frame.performative.message_format ||= RAW_FORMAT;
    onTransfer(frame);
  };
}
