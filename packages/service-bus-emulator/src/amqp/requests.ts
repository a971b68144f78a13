import { LinkCredit } from "./credit.js";
import { PROPERTY } from "./properties.js";
import { rhea, type Sender, type Typed } from "./rhea.js";
import { readParts } from "./sections.js";
import { toText } from "./typed.js";

/** A request to `$cbs` or `$management`. */
export interface Request {
  /** With its type: a client that sent a uuid waits for a uuid. */
  readonly messageId: Typed | undefined;
  readonly replyTo: string | undefined;
  readonly properties: ReadonlyMap<string, Typed>;
  readonly body: Typed | undefined;
}

/** Reads a request; throws when the bytes are not AMQP. */
export function readRequest(bytes: Buffer): Request {
  const parts = readParts(bytes);
  return {
    messageId: parts.properties[PROPERTY.messageId],
    replyTo: toText(parts.properties[PROPERTY.replyTo]),
    properties: parts.applicationProperties,
    body: parts.value,
  };
}

/** The bytes of an answer; the body is a plain value or a typed one. */
export function writeResponse(
  request: Request,
  properties: Readonly<Record<string, Typed>>,
  body?: unknown,
): Buffer {
  return rhea.message.encode({
    ...(request.messageId !== undefined && {
      correlation_id: request.messageId,
    }),
    application_properties: properties,
    body,
  });
}

/** The link over which a client hears answers; they wait for its credit. */
export class ResponseLink {
  readonly #link: Sender;
  readonly #credit: LinkCredit;
  readonly #waiting: Buffer[] = [];

  constructor(link: Sender) {
    this.#link = link;
    this.#credit = new LinkCredit(link);
  }

  /** Whether a request's reply-to means this link: clients put its name there, or its target's address. */
  isCalled(replyTo: string): boolean {
    return this.#link.name === replyTo || this.#link.target?.address === replyTo;
  }

  send(bytes: Buffer): void {
    this.#waiting.push(bytes);
    this.onFlow();
  }

  onFlow(): void {
    while (this.#waiting.length > 0 && this.#credit.available() > 0) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      const delivery = this.#credit.send(bytes, undefined);
      delivery.settled = true;
    }
  }
}
