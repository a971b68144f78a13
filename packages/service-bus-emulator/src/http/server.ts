/**
 * The part of the HTTP interface that a temporary listener to a topic needs: creating and deleting
 * a subscription, and receiving from it.
 *
 * https://learn.microsoft.com/rest/api/servicebus/
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Clock } from "@sigil-local/clock";
import { parseAddress } from "../amqp/address.js";
import { readParts } from "../amqp/sections.js";
import { checkToken, type SharedAccessKey } from "../amqp/tokens.js";
import { queueOf, type Broker } from "../broker/broker.js";
import type { Consumer } from "../broker/consumers.js";
import type { Delivery } from "../broker/delivery.js";
import type { Queue } from "../broker/queue.js";
import type { Store } from "../broker/store.js";
import { ConfigurationError, parseSubscription } from "../configuration.js";
import { readDescription, writeEntry } from "./atom.js";

export interface HttpDependencies {
  readonly broker: Broker;
  readonly store: Store;
  readonly clock: Clock;
  readonly key: SharedAccessKey;
  readonly tokenNow: () => number;
}

const MAX_BODY = 65_536;
/** If the client does not say how long it waits. */
const WAIT_SECONDS = 60;
const HEAD = /^(.+)\/messages\/head$/iu;
const SUBSCRIPTION = /^(.+)\/subscriptions\/([^/]+)$/iu;

/** A server that listens nowhere: it is given connections. */
export function createHttpInterface(dependencies: HttpDependencies): Server {
  return createServer((request, response) => {
    answer(request, response, dependencies).catch((error: unknown) =>
      refuse(response, 500, String(error)),
    );
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { broker, store, clock, key, tokenNow }: HttpDependencies,
): Promise<void> {
  const url = new URL(request.url ?? "/", "http://localhost");
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/gu, "");
  const token = request.headers.authorization ?? "";
  const check = checkToken(token, path, key, tokenNow());
  if (check.kind === "refused")
    return refuse(response, 401, `Unauthorized access: ${check.reason}.`);
  const [, receivedFrom] = HEAD.exec(path) ?? [];
  if (receivedFrom !== undefined && request.method === "DELETE") {
    const entity = broker.find(parseAddress(receivedFrom).path);
    if (entity === undefined || entity.kind === "topic")
      return refuse(response, 410, `There is no ${receivedFrom}.`);
    const seconds = Number(url.searchParams.get("timeout") ?? WAIT_SECONDS);
    return receiveOne(response, queueOf(entity), store, clock, seconds);
  }
  const [, topic, name] = SUBSCRIPTION.exec(path) ?? [];
  if (topic === undefined || name === undefined)
    return refuse(response, 501, "The emulator does not do that by HTTP.");
  switch (request.method) {
    case "PUT": {
      if (broker.find(topic)?.kind !== "topic")
        return refuse(response, 404, `There is no topic ${topic}.`);
      const description = readDescription(await bodyOf(request));
      try {
        const { idleMs, properties } = description;
        const subscription = parseSubscription(name, properties);
        if (!broker.createSubscription(topic, subscription, idleMs))
          return refuse(response, 409, `There is a subscription ${name}.`);
      } catch (error) {
        if (!(error instanceof ConfigurationError)) throw error;
        return refuse(response, 400, error.message);
      }
      return write(response, 201, writeEntry(topic, name, description.text));
    }
    case "DELETE":
      return broker.deleteSubscription(`${topic}/Subscriptions/${name}`)
        ? write(response, 200, "")
        : refuse(response, 404, `There is no subscription ${name} that a client has made.`);
    default:
      return refuse(response, 501, "The emulator does not do that by HTTP.");
  }
}

/** Takes the next message out of a queue, once there is one. */
function receiveOne(
  response: ServerResponse,
  queue: Queue,
  store: Store,
  clock: Clock,
  seconds: number,
): void {
  let isWaiting = true;
  const consumer: Consumer = {
    receiveAndDelete: true,
    session: undefined,
    credit: () => (isWaiting ? 1 : 0),
    deliver(delivery) {
      end();
      store.afterCommit(() => writeMessage(response, delivery));
    },
  };
  const end = (): void => {
    isWaiting = false;
    cancel();
    // The queue is in the middle of serving its consumers.
    setImmediate(() => queue.removeConsumer(consumer));
  };
  const cancel = clock.at(clock.now() + seconds * 1000, () => {
    end();
    write(response, 204, "");
  });
  response.once("close", () => {
    if (isWaiting) end();
  });
  queue.addConsumer(consumer);
}

function writeMessage(response: ServerResponse, { record }: Delivery): void {
  const { data, value } = readParts(record.bytes);
  response.setHeader(
    "BrokerProperties",
    JSON.stringify({
      SequenceNumber: record.sequenceNumber,
      DeliveryCount: record.deliveryCount + 1,
      EnqueuedTimeUtc: new Date(record.enqueuedTimeMs).toUTCString(),
    }),
  );
  response.writeHead(200);
  response.end(value === undefined ? Buffer.concat(data) : String(value.value));
}

function write(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    ...(body !== "" && { "Content-Type": "application/xml; charset=utf-8" }),
  });
  response.end(body);
}

function refuse(response: ServerResponse, status: number, detail: string): void {
  const escaped = detail.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  write(response, status, `<Error><Code>${status}</Code><Detail>${escaped}</Detail></Error>`);
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    parts.push(part);
    if ((length += part.length) > MAX_BODY) throw new Error("too long");
  }
  return Buffer.concat(parts).toString("utf8");
}
