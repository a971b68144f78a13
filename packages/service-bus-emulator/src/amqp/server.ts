/**
 * The AMQP 1.0 side of the emulator: connections, sessions and links, and what each link leads to.
 *
 * Invariants
 * 1. Only `$cbs` is open to everybody; any other link needs a token for its address.
 * 2. An attach is answered with the addresses the peer gave, letter for letter.
 * 3. A refused link is attached and at once detached with the error (AMQP 2.6.3).
 * 4. An answer to a request goes to a link of the same session that comes from the same node.
 */
import { once } from "node:events";
import type { AddressInfo, Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { type Broker, type Entity, queueOf } from "../broker/broker.js";
import type { Queue } from "../broker/queue.js";
import type { SessionLock } from "../broker/sessions.js";
import type { Store } from "../broker/store.js";
import { parseAddress } from "./address.js";
import { answerCbs, Claims } from "./cbs.js";
import { DeliveryLink } from "./delivery-link.js";
import { answer } from "./dispositions.js";
import { CONDITION, entityNotFound, SESSION_REFUSED } from "./errors.js";
import { MAX_MESSAGE_SIZE, receiveMessage } from "./incoming-link.js";
import { answerManagement, rightOf } from "./management.js";
import { announceHandleMax, receiveRawMessages, writeWholePerformatives } from "./performatives.js";
import { readRequest, ResponseLink, type Request } from "./requests.js";
import {
  rhea,
  type AmqpError,
  type Connection,
  type Container,
  type DeliveryContext,
  type Link,
  type LinkContext,
  type MessageContext,
  type Receiver,
  type Sender,
  type Session,
  type Terminus,
} from "./rhea.js";
import { SessionWait, wantsSession } from "./session-link.js";
import { echo, refuse } from "./terminus.js";
import type { SharedAccessKey } from "./tokens.js";

export interface AmqpServerOptions {
  readonly broker: Broker;
  readonly store: Store;
  readonly key: SharedAccessKey;
  /** The time tokens are checked against: their makers' time, which is not the broker's in a test. */
  readonly tokenNow: () => number;
  /**
   * Whether a client connecting now may have done so before this process was suspended, and given
   * up since.
   */
  readonly isThawing: () => boolean;
  readonly log: (line: string) => void;
  readonly onUse: (use: Use) => void;
  /** Takes a connection that does not begin as AMQP does. */
  readonly onHttp: (socket: Socket) => void;
  readonly tls: Tls | undefined;
}

/** The files of a TLS server, PEM. */
export interface Tls {
  readonly key: string;
  readonly cert: string;
}

/** A right that a client has used, as Azure's roles have them. */
export interface Use {
  /** The entity's path, such as `queue/$DeadLetterQueue`, in the client's spelling. */
  readonly path: string;
  readonly right: "Listen" | "Send";
  /** As the client says it when it connects. */
  readonly userAgent: string | undefined;
}

/** How a connection begins (AMQP 2.2). */
const AMQP = "AMQP";
/** How a TLS handshake begins (RFC 8446, section 5.1: ContentType). */
const HANDSHAKE = 22;
const CBS = "$cbs";
const MAX_FRAME_SIZE = 65_536;
/** Deliveries a session may have unsettled: rhea would stop at 2,048 and throw beyond. */
const OUTGOING_BUFFER_SIZE = 1_000_000;

/** Where a link leads. */
type Node =
  | { readonly kind: "cbs" }
  | { readonly kind: "management"; readonly entity: Entity }
  | { readonly kind: "entity"; readonly entity: Entity };

export class AmqpServer {
  readonly #options: AmqpServerOptions;
  readonly #container: Container;
  readonly #sockets = new Set<Socket>();
  readonly #connections = new Set<Connection>();
  readonly #claims = new WeakMap<Connection, Claims>();
  readonly #deliveryLinks = new Map<Link, DeliveryLink>();
  readonly #sessionWaits = new Map<Link, SessionWait>();
  readonly #responseLinks = new Map<
    Link,
    { readonly address: string; readonly responses: ResponseLink }
  >();
  #server: Server | undefined;

  constructor(options: AmqpServerOptions) {
    this.#options = options;
    this.#container = rhea.create_container({
      id: "sigil-service-bus-emulator",
      sender_options: { autosettle: false, treat_modified_as_released: false },
      receiver_options: { autoaccept: false, autosettle: false },
    });
    offerSasl(this.#container);
    this.#listenToContainer();
  }

  /** Listens on a port, 0 for any, and returns the port. */
  async listen(host: string, port: number): Promise<number> {
    const server = this.#container.listen({
      host,
      port,
      // Without it every round trip waits for a delayed acknowledgement, 40 ms.
      tcp_no_delay: true,
      max_frame_size: MAX_FRAME_SIZE,
      session_buffer_size: { outgoing: OUTGOING_BUFFER_SIZE },
    });
    // rhea's own listener gets a connection once it is known to speak AMQP.
    const accept = server.listeners("connection") as ((socket: Socket) => void)[];
    server.removeAllListeners("connection");
    const receive = (socket: Socket): void => {
      if (this.#options.isThawing()) socket.destroy();
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      socket.on("error", () => undefined); // it is closed then
      socket.once("data", (first: Buffer) => {
        socket.pause();
        socket.unshift(first);
        // A TLS connection is inspected like a plain one, after TLS read its socket.
        if (front && first[0] === HANDSHAKE) return void front.emit("connection", socket);
        if (AMQP.startsWith(first.toString("latin1", 0, AMQP.length)))
          for (const each of accept) each(socket);
        else this.#options.onHttp(socket);
        socket.resume();
      });
    };
    const { tls } = this.#options;
    const front = tls && createTlsServer(tls, receive);
    server.on("connection", receive);
    this.#server = server;
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

  /** Ends every connection, like a failing network; clients may connect again. */
  disconnectAll(): void {
    // rhea hears of a socket's end or error, not of its close. Without the error the links would stay, and be sent messages.
    for (const socket of this.#sockets)
      socket.destroy(new Error("The emulator has disconnected every client."));
  }

  /** Tells every client that the connection ends, and ends it. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined || !server.listening) return;
    const closed = once(server, "close");
    server.close();
    for (const connection of this.#connections)
      connection.close({
        condition: CONDITION.connectionForced,
        description: "The emulator is stopping.",
      });
    setImmediate(() => {
      for (const socket of this.#sockets) socket.destroySoon();
    });
    await closed;
  }

  #listenToContainer(): void {
    const container = this.#container;
    container.on("connection_open", ({ connection }: LinkContext) => {
      this.#connections.add(connection);
      this.#claims.set(connection, new Claims());
      writeWholePerformatives(connection);
    });
    container.on("session_open", ({ session }: LinkContext) => {
      announceHandleMax(session);
      receiveRawMessages(session);
    });
    container.on("sender_open", ({ sender }: LinkContext) => {
      if (sender === undefined) return;
      this.#openSender(sender);
    });
    container.on("receiver_open", ({ receiver }: LinkContext) => {
      if (receiver !== undefined) this.#openReceiver(receiver);
    });
    container.on("sender_flow", ({ sender }: LinkContext) => {
      if (sender !== undefined) this.#onFlow(sender);
    });
    for (const outcome of ["accepted", "rejected", "released", "modified"])
      container.on(outcome, ({ sender, delivery }: DeliveryContext) => {
        if (sender !== undefined) this.#deliveryLinks.get(sender)?.onOutcome(delivery);
      });
    container.on("sender_close", ({ sender }: LinkContext) => {
      if (sender !== undefined) this.#endSessionWait(sender);
      // A disposition written before the detach is heard one tick after it.
      setImmediate(() => this.#forget((link) => link === sender));
    });
    container.on("session_close", ({ session }: LinkContext) =>
      setImmediate(() => this.#forget((link) => link.session === session)),
    );
    const onEnd = ({ connection }: LinkContext): void => {
      this.#connections.delete(connection);
      this.#forget((link) => link.connection === connection);
    };
    container.on("connection_close", onEnd);
    container.on("disconnected", onEnd);
    // rhea raises an error for events without a listener.
    for (const event of [
      "receiver_close",
      "sender_error",
      "receiver_error",
      "session_error",
      "connection_error",
    ])
      container.on(event, () => undefined);
    for (const event of ["error", "protocol_error"])
      container.on(event, (error: unknown) =>
        this.#options.log(
          `A connection broke the protocol: ${error instanceof Error ? error.message : String(error)}`,
        ),
      );
  }

  #onFlow(link: Sender): void {
    this.#deliveryLinks.get(link)?.onFlow();
    this.#responseLinks.get(link)?.responses.onFlow();
  }

  #openSender(link: Sender): void {
    const node = this.#open(link, link.source);
    if (node === undefined) return;
    if (node.kind === "entity") this.#tell(link, link.source, "Listen");
    if (node.kind !== "entity") {
      this.#responseLinks.set(link, {
        address: (link.source?.address ?? "").toLowerCase(),
        responses: new ResponseLink(link),
      });
      return;
    }
    if (node.entity.kind === "topic") {
      refuse(link, {
        condition: CONDITION.notAllowed,
        description: "A topic cannot be received from; receive from one of its subscriptions.",
      });
      return;
    }
    const { queue } = node.entity;
    const wanted = wantsSession(link);
    if (wanted !== queue.requiresSession)
      refuse(link, SESSION_REFUSED[wanted ? "notRequired" : "required"]);
    else if (wanted) this.#waitForSession(link, queue);
    else this.#openDelivery(link, queue);
  }

  #openDelivery(link: Sender, queue: Queue, session?: SessionLock): void {
    const { store } = this.#options;
    const deliveryLink = new DeliveryLink(link, queue, store, session);
    this.#deliveryLinks.set(link, deliveryLink);
    // Credit may have come with the attach, before ours is written.
    setImmediate(() => this.#onFlow(link));
  }

  #waitForSession(link: Sender, queue: Queue): void {
    const wait = new SessionWait(link, queue, (session) => {
      this.#sessionWaits.delete(link);
      this.#openDelivery(link, queue, session);
    });
    this.#sessionWaits.set(link, wait);
    wait.start();
  }

  #openReceiver(link: Receiver): void {
    const node = this.#open(link, link.target);
    if (node === undefined) return;
    if (node.kind !== "entity") {
      link.on("message", (context: MessageContext) => this.#onRequest(node, context));
      return;
    }
    this.#tell(link, link.target, "Send");
    const { entity } = node;
    if (entity.kind === "subscription" || entity.kind === "dead-letter-queue") {
      refuse(link, {
        condition: CONDITION.notAllowed,
        description: `Nothing can be sent to '${link.target?.address ?? ""}'.`,
      });
      return;
    }
    link.on("message", (context: MessageContext) =>
      receiveMessage(context, queueOf(entity), this.#options.store),
    );
  }

  #tell(link: Link, terminus: Terminus | null, right: Use["right"]): void {
    const userAgent = link.connection.properties?.["user-agent"];
    this.#options.onUse({
      path: parseAddress(terminus?.address ?? "").path,
      right,
      userAgent: typeof userAgent === "string" ? userAgent : undefined,
    });
  }

  /** Answers an attach (2) and says where the link leads; undefined when it was refused (3). */
  #open(link: Link, terminus: Terminus | null): Node | undefined {
    const address = terminus?.address ?? "";
    link.set_source(echo(link.source, link.name));
    link.set_target(echo(link.target, link.name));
    link.local.attach.max_message_size = MAX_MESSAGE_SIZE;
    if (link.snd_settle_mode !== null) link.local.attach.snd_settle_mode = link.snd_settle_mode;
    if (link.rcv_settle_mode !== null) link.local.attach.rcv_settle_mode = link.rcv_settle_mode;
    const node = this.#find(address, link.connection);
    if (!("condition" in node)) return node;
    refuse(link, node);
    return undefined;
  }

  #find(address: string, connection: Connection): Node | AmqpError {
    if (address.toLowerCase() === CBS) return { kind: "cbs" };
    const { path, management } = parseAddress(address);
    const entity = this.#options.broker.find(path);
    if (entity === undefined) return entityNotFound(address);
    const claims = this.#claims.get(connection);
    if (claims?.allows(path, this.#options.tokenNow()) !== true)
      return {
        condition: CONDITION.unauthorized,
        description: `Unauthorized access to '${address}': put a token on $cbs first.`,
      }; // (1)
    return { kind: management ? "management" : "entity", entity };
  }

  #onRequest(node: Node, context: MessageContext): void {
    const { receiver, delivery, session, connection, message } = context;
    let request: Request;
    try {
      request = readRequest(message);
    } catch {
      answer(receiver, delivery, {
        kind: "rejected",
        error: {
          condition: CONDITION.decodeError,
          description: "The request is not an AMQP message.",
        },
      });
      return;
    }
    answer(receiver, delivery, { kind: "accepted" });
    if (node.kind === "management") this.#tell(receiver, receiver.target, rightOf(request));
    const { broker, key, store, tokenNow } = this.#options;
    const response =
      node.kind === "management"
        ? answerManagement(node.entity, request)
        : answerCbs(request, this.#claims.get(connection) ?? new Claims(), broker, key, tokenNow());
    const address = (receiver.target?.address ?? "").toLowerCase();
    store.afterCommit(() => this.#responseLink(session, address, request)?.send(response));
  }

  /** The link for an answer (4): clients fill reply-to each in its own way, or not at all. */
  #responseLink(session: Session, address: string, { replyTo }: Request): ResponseLink | undefined {
    const candidates: ResponseLink[] = [];
    for (const [link, responding] of this.#responseLinks)
      if (link.session === session && responding.address === address)
        candidates.push(responding.responses);
    const called =
      replyTo === undefined
        ? undefined
        : candidates.find((candidate) => candidate.isCalled(replyTo));
    return called ?? candidates[0];
  }

  #endSessionWait(link: Link): void {
    this.#sessionWaits.get(link)?.close();
    this.#sessionWaits.delete(link);
  }

  #forget(ended: (link: Link) => boolean): void {
    for (const link of this.#sessionWaits.keys()) if (ended(link)) this.#endSessionWait(link);
    for (const [link, deliveryLink] of this.#deliveryLinks)
      if (ended(link)) {
        deliveryLink.close();
        this.#deliveryLinks.delete(link);
      }
    for (const link of this.#responseLinks.keys())
      if (ended(link)) this.#responseLinks.delete(link);
  }
}

/**
 * Clients authenticate on `$cbs`: the .NET client calls that mechanism MSSBCBS, the others
 * ANONYMOUS.
 */
function offerSasl({ sasl_server_mechanisms }: Container): void {
  sasl_server_mechanisms.enable_anonymous();
  const anonymous = sasl_server_mechanisms["ANONYMOUS"];
  if (anonymous !== undefined) sasl_server_mechanisms["MSSBCBS"] = anonymous;
}
