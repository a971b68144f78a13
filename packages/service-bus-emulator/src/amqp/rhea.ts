/** The part of rhea that the emulator uses, with types: rhea's own say `any` and leave out what a broker needs. */
import container from "rhea";
// @ts-expect-error -- rhea has no types of it
import frameTypes from "rhea/lib/frames.js";
import type { EventEmitter } from "node:events";
import type { Server, Socket } from "node:net";

/** An AMQP value with its type, as rhea reads and writes it. */
export interface Typed {
  readonly type: { readonly name: string; readonly typecode: number };
  value: unknown;
  descriptor?: Typed;
}

export interface Reader {
  position: number;
  read(): Typed;
  remaining(): number;
}

export interface Writer {
  write(value: Typed): void;
  write_bytes(bytes: Buffer): void;
  toBuffer(): Buffer;
}

export interface Types {
  readonly Reader: new (buffer: Buffer) => Reader;
  readonly Writer: new () => Writer;
  Null(): Typed;
  Map32(items: readonly Typed[]): Typed;
  described(descriptor: Typed, value: Typed): Typed;
  wrap(value: unknown): Typed;
  wrap_array(values: readonly unknown[], typecode: number): Typed;
  wrap_binary(value: Buffer): Typed;
  wrap_boolean(value: boolean): Typed;
  wrap_double(value: number): Typed;
  wrap_int(value: number): Typed;
  wrap_list(values: readonly unknown[]): Typed;
  wrap_long(value: number | Buffer): Typed;
  wrap_map(entries: Readonly<Record<string, unknown>>): Typed;
  wrap_string(value: string): Typed;
  wrap_symbol(value: string): Typed;
  wrap_timestamp(value: number): Typed;
  wrap_uint(value: number): Typed;
  wrap_ulong(value: number): Typed;
  wrap_uuid(value: Buffer): Typed;
}

/** A performative, or a described list inside one: its fields by position. */
export interface Composite {
  readonly value: unknown[];
  readonly constructor: { readonly descriptor?: { readonly numeric: number } };
}

export interface AmqpError {
  readonly condition: string;
  readonly description: string;
}

/** A source or target as the peer gave it; absent fields are null. */
export interface Terminus {
  readonly address: string | null;
  readonly durable?: number | null;
  readonly expiry_policy?: string | null;
  readonly timeout?: number | null;
  readonly dynamic?: boolean | null;
  readonly distribution_mode?: string | null;
  readonly outcomes?: string | string[] | null;
  readonly capabilities?: string | string[] | null;
  /** A source's; a described value stays typed. */
  readonly filter?: Readonly<Record<string, unknown>> | null;
}

export interface Outcome {
  readonly constructor: { readonly composite_type?: string };
  readonly delivery_failed?: boolean | null;
  readonly undeliverable_here?: boolean | null;
  /** The fields, typed. */
  readonly value: readonly Typed[];
}

export interface RheaDelivery {
  readonly id: number;
  readonly tag: Buffer;
  readonly remote_state?: Outcome;
  remote_settled: boolean;
  settled: boolean;
  state: unknown;
}

export interface Link extends EventEmitter {
  readonly name: string;
  readonly session: Session;
  readonly connection: Connection;
  /** `open_requests` falls to 0 when the attach is written. */
  readonly state: { readonly open_requests: number };
  readonly source: Terminus | null;
  readonly target: Terminus | null;
  readonly snd_settle_mode: number | null;
  readonly rcv_settle_mode: number | null;
  readonly properties: Readonly<Record<string, unknown>> | null;
  readonly local: {
    readonly attach: {
      snd_settle_mode?: number;
      rcv_settle_mode?: number;
      max_message_size?: number;
      source?: null;
      target?: null;
      properties?: Readonly<Record<string, Typed>>;
    };
  };
  credit: number;
  delivery_count: number;
  set_source(fields: object): void;
  set_target(fields: object): void;
  close(error?: AmqpError): void;
  is_open(): boolean;
  is_receiver(): boolean;
  /** Writes what there is to write of the link itself: its attach, flow and detach. */
  _process?: () => void;
}

export interface Sender extends Link {
  _draining: boolean;
  _drained: boolean;
  _get_drain: () => boolean;
  set_drained(drained: boolean): void;
  send(bytes: Buffer, tag: Buffer | undefined, format: number): RheaDelivery;
}

export type Receiver = Link;

export interface Session extends EventEmitter {
  readonly connection: Connection;
  readonly local: { readonly begin: { handle_max?: number } };
  readonly outgoing: {
    readonly next_pending_delivery: number;
    available(): number;
  };
  on_transfer(frame: { readonly performative: { message_format: number | null } }): void;
  output(performative: Composite): void;
}

export interface Connection extends EventEmitter {
  readonly socket: Socket;
  /** The peer's. */
  readonly properties: Readonly<Record<string, unknown>> | undefined;
  _register(): void;
  _write_frame(channel: number, performative?: Composite, payload?: Buffer): void;
  close(error?: AmqpError): void;
}

export interface MessageContext {
  readonly connection: Connection;
  readonly session: Session;
  readonly receiver: Receiver;
  /** Bytes, because of the format that the emulator makes rhea see (see raw-messages). */
  readonly message: Buffer;
  readonly format: number;
  readonly delivery: RheaDelivery;
}

export interface LinkContext {
  readonly connection: Connection;
  readonly session: Session;
  readonly sender?: Sender;
  readonly receiver?: Receiver;
}

export interface DeliveryContext extends LinkContext {
  readonly delivery: RheaDelivery;
}

/** By name, a maker of the server's side of a SASL mechanism. */
export interface SaslServerMechanisms {
  enable_anonymous(): void;
  [name: string]: () => unknown;
}

export interface Container extends EventEmitter {
  readonly sasl_server_mechanisms: SaslServerMechanisms;
  create_container(options: object): Container;
  listen(options: object): Server;
  readonly types: Types;
  readonly message: {
    accepted(): { described(): Typed };
    rejected(fields: { error: AmqpError }): { described(): Typed };
    encode(message: object): Buffer;
  };
}

interface Frames {
  disposition(fields: object): Composite;
}

export const rhea = container as unknown as Container;
export const frames = frameTypes as unknown as Frames;
export const types = rhea.types;
