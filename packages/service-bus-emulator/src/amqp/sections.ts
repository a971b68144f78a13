/**
 * Messages as bytes cut into sections. rhea decodes int, long, double, uuid and symbol into plain values and cannot encode
 * them back (3.0 would become 3, a uuid binary), so only the sections a broker owns are rewritten, from typed values, and
 * the bare message goes out as it came in: "the bare message ... is immutable within the AMQP network" (AMQP 3.2).
 */
import { type MessageRecord, stateOf } from "../broker/message.js";
import { types, type Typed } from "./rhea.js";
import { decodeTyped, encodeTyped, listItems, mapEntries, wrapMap } from "./typed.js";

/** Descriptors of the sections of a message (AMQP 3.2). */
const SECTION = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const;
const SYMBOLIC: Readonly<Record<string, number>> = {
  "amqp:header:list": SECTION.header,
  "amqp:delivery-annotations:map": SECTION.deliveryAnnotations,
  "amqp:message-annotations:map": SECTION.messageAnnotations,
  "amqp:properties:list": SECTION.properties,
  "amqp:application-properties:map": SECTION.applicationProperties,
  "amqp:data:binary": SECTION.data,
  "amqp:amqp-sequence:list": SECTION.sequence,
  "amqp:amqp-value:*": SECTION.value,
  "amqp:value:*": SECTION.value,
  "amqp:footer:map": SECTION.footer,
};
/** message-format of a batch: every data section is a message of its own. */
export const BATCH_FORMAT = 0x80013700;

interface Section {
  readonly code: number;
  readonly typed: Typed;
  readonly start: number;
  readonly end: number;
}

/** The sections of a message in order; throws when the bytes are not AMQP. */
function* readSections(bytes: Buffer): Generator<Section> {
  const reader = new types.Reader(bytes);
  while (reader.remaining() > 0) {
    const start = reader.position;
    const typed = reader.read();
    const code = sectionCode(typed);
    if (code === undefined || reader.position > bytes.length)
      throw new Error("the message is not made of AMQP sections");
    yield { code, typed, start, end: reader.position };
  }
}

function sectionCode(typed: Typed): number | undefined {
  const descriptor = typed.descriptor?.value;
  const code = typeof descriptor === "string" ? SYMBOLIC[descriptor] : descriptor;
  return typeof code === "number" && code >= SECTION.header && code <= SECTION.footer
    ? code
    : undefined;
}

/**
 * The parts of a message that the broker reads; fields of lists by position, undefined for null.
 */
export interface MessageParts {
  readonly header: readonly (Typed | undefined)[];
  readonly messageAnnotations: ReadonlyMap<string, Typed>;
  readonly properties: readonly (Typed | undefined)[];
  readonly applicationProperties: ReadonlyMap<string, Typed>;
  /** The AMQP value of the body, if it is one. */
  readonly value: Typed | undefined;
  readonly data: readonly Buffer[];
}

/** Reads a whole message; throws when the bytes are not AMQP. */
export function readParts(bytes: Buffer): MessageParts {
  const parts = {
    header: [] as (Typed | undefined)[],
    messageAnnotations: new Map<string, Typed>(),
    properties: [] as (Typed | undefined)[],
    applicationProperties: new Map<string, Typed>(),
    value: undefined as Typed | undefined,
    data: [] as Buffer[],
  };
  for (const { code, typed } of readSections(bytes)) {
    switch (code) {
      case SECTION.header:
        parts.header = listItems(typed);
        break;
      case SECTION.messageAnnotations:
        parts.messageAnnotations = mapEntries(typed);
        break;
      case SECTION.properties:
        parts.properties = listItems(typed);
        break;
      case SECTION.applicationProperties:
        parts.applicationProperties = mapEntries(typed);
        break;
      case SECTION.data:
        if (Buffer.isBuffer(typed.value)) parts.data.push(typed.value);
        break;
      case SECTION.value:
        parts.value = typed;
        break;
    }
  }
  return parts;
}

/**
 * The same message with this message-id; every section except the properties stays byte for byte.
 */
export function withMessageId(bytes: Buffer, messageId: string): Buffer {
  const sections = [...readSections(bytes)];
  const old = sections.find(({ code }) => code === SECTION.properties);
  const [, ...others] = old === undefined ? [] : listItems(old.typed);
  const before = sections.filter(({ code }) => code < SECTION.properties);
  const start = before.at(-1)?.end ?? 0;
  const writer = new types.Writer();
  writer.write_bytes(bytes.subarray(0, start));
  writeSection(
    writer,
    SECTION.properties,
    types.wrap_list([types.wrap_string(messageId), ...others]),
  );
  writer.write_bytes(bytes.subarray(old?.end ?? start));
  return Buffer.from(writer.toBuffer());
}

/** How a message goes out. */
export interface Outgoing {
  readonly record: MessageRecord;
  readonly lockedUntilMs: number | undefined;
  /** The lock token as a delivery annotation: only in answers of `$management`, where there is no delivery tag. */
  readonly lockToken?: Buffer;
}

/** The bytes of a message for a receiver: the sender's, with the header and the annotations of this delivery. */
export function writeMessage(outgoing: Outgoing): Buffer {
  const { record } = outgoing;
  const { header, annotations, rest } = splitBareMessage(record.bytes);
  const writer = new types.Writer();
  writeSection(
    writer,
    SECTION.header,
    types.wrap_list([
      header[0],
      header[1],
      record.timeToLiveMs === undefined
        ? header[2]
        : types.wrap_uint(Math.min(record.timeToLiveMs, 0xffff_ffff)),
      header[3],
      types.wrap_uint(record.deliveryCount),
    ]),
  );
  if (outgoing.lockToken !== undefined)
    writeSection(
      writer,
      SECTION.deliveryAnnotations,
      wrapMap(new Map([["x-opt-lock-token", types.wrap_uuid(outgoing.lockToken)]]), "symbol"),
    );
  writeSection(
    writer,
    SECTION.messageAnnotations,
    wrapMap(new Map([...annotations, ...brokerAnnotations(outgoing)]), "symbol"),
  );
  const changes = changedProperties(record);
  if (changes.size === 0) writer.write_bytes(rest);
  else writeChanged(writer, rest, changes);
  return Buffer.from(writer.toBuffer());
}

function brokerAnnotations(outgoing: Outgoing): Map<string, Typed> {
  const { record, lockedUntilMs } = outgoing;
  const annotations = new Map([
    ["x-opt-sequence-number", types.wrap_long(record.sequenceNumber)],
    ["x-opt-enqueued-time", types.wrap_timestamp(record.enqueuedTimeMs)],
  ]);
  if (record.enqueuedSequenceNumber !== undefined)
    annotations.set(
      "x-opt-enqueue-sequence-number",
      types.wrap_long(record.enqueuedSequenceNumber),
    );
  if (lockedUntilMs !== undefined)
    annotations.set("x-opt-locked-until", types.wrap_timestamp(lockedUntilMs));
  const state = MESSAGE_STATES[stateOf(record)];
  annotations.set("x-opt-message-state", types.wrap_int(state));
  return annotations;
}

const MESSAGE_STATES = { active: 0, deferred: 1, scheduled: 2 } as const;

function changedProperties(record: MessageRecord): Map<string, Typed> {
  const changes = new Map<string, Typed>();
  for (const [name, bytes] of record.changedProperties) changes.set(name, decodeTyped(bytes));
  if (record.deadLetterReason !== undefined)
    changes.set("DeadLetterReason", types.wrap_string(record.deadLetterReason));
  if (record.deadLetterErrorDescription !== undefined)
    changes.set("DeadLetterErrorDescription", types.wrap_string(record.deadLetterErrorDescription));
  return changes;
}

/**
 * Removes the sections before the bare message; the delivery annotations were only for the broker.
 */
function splitBareMessage(bytes: Buffer): {
  header: readonly (Typed | undefined)[];
  annotations: ReadonlyMap<string, Typed>;
  rest: Buffer;
} {
  let header: readonly (Typed | undefined)[] = [];
  let annotations: ReadonlyMap<string, Typed> = new Map();
  let start = bytes.length;
  for (const section of readSections(bytes)) {
    if (section.code >= SECTION.properties) {
      start = section.start;
      break;
    }
    if (section.code === SECTION.header) header = listItems(section.typed);
    if (section.code === SECTION.messageAnnotations) annotations = mapEntries(section.typed);
  }
  return { header, annotations, rest: bytes.subarray(start) };
}

/** The bare message with some application properties changed, every other section byte for byte. */
function writeChanged(
  writer: InstanceType<typeof types.Writer>,
  rest: Buffer,
  changes: ReadonlyMap<string, Typed>,
): void {
  const sections = [...readSections(rest)];
  const before = sections.filter(({ code }) => code <= SECTION.properties);
  const old = sections.find(({ code }) => code === SECTION.applicationProperties);
  for (const { start, end } of before) writer.write_bytes(rest.subarray(start, end));
  writeSection(
    writer,
    SECTION.applicationProperties,
    wrapMap(new Map([...mapEntries(old?.typed), ...changes]), "string"),
  );
  for (const { code, start, end } of sections)
    if (code > SECTION.applicationProperties) writer.write_bytes(rest.subarray(start, end));
}

function writeSection(writer: InstanceType<typeof types.Writer>, code: number, value: Typed): void {
  writer.write(types.described(types.wrap_ulong(code), value));
}

/** Properties that a receiver gives with a settlement, each value encoded so that its type survives the store. */
export function encodeProperties(properties: ReadonlyMap<string, Typed>): Map<string, Buffer> {
  return new Map([...properties].map(([name, value]) => [name, encodeTyped(value)]));
}
