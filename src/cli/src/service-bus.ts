/**
 * Reads a topic of Azure Service Bus through its HTTP interface. Creating a subscription and
 * receiving take two requests, so this needs no client library and only port 443.
 *
 * https://learn.microsoft.com/rest/api/servicebus/create-subscription,
 * https://learn.microsoft.com/rest/api/servicebus/receive-and-delete-message-destructive-read
 */
import { createHmac } from "node:crypto";
import { Ended, UsageError } from "./exit-codes.js";
import type { Io } from "./io.js";
import { tokensFor } from "./sign-in.js";

interface Namespace {
  /** Such as `https://sigil.servicebus.windows.net`. */
  readonly address: string;
  /** The key in a connection string; absent: a token from Entra ID is used. */
  readonly key?: { readonly name: string; readonly value: string };
}

const SCOPE = "https://servicebus.azure.net/.default";
const API_VERSION = "2021-05";
/** How long Service Bus holds a request if there is no message. */
const WAIT_SECONDS = 30;
const TIMEOUT_MS = 60_000;
const CLEANUP_MS = 5_000;
const KEY_TOKEN_SECONDS = 3600;
const FIRST_DELAY_MS = 1_000;
const LONGEST_DELAY_MS = 30_000;
/** How often creating a subscription is tried: the user waits for it. */
const CREATE_ATTEMPTS = 5;

/**
 * Parses the name or host name of a namespace, or a connection string. Only a connection string of
 * the local emulator is used without TLS. Throws UsageError.
 */
export function namespaceOf(text: string): Namespace {
  const fields = new Map(
    text.split(";").map((field) => {
      const at = field.indexOf("=");
      return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1)];
    }),
  );
  const endpoint = fields.get("endpoint");
  if (endpoint !== undefined) {
    const [, host] = /^sb:\/\/([\w.-]+(?::\d+)?)\/?$/iu.exec(endpoint) ?? [];
    const name = fields.get("sharedaccesskeyname");
    const value = fields.get("sharedaccesskey");
    if (host === undefined || !name || !value)
      throw new UsageError(
        "The connection string of Service Bus needs Endpoint=sb://…, SharedAccessKeyName and SharedAccessKey.",
      );
    const isLocal =
      fields.get("usedevelopmentemulator") === "true" &&
      /^(?:localhost|127(?:\.\d+){3})(?::|$)/iu.test(host);
    const key = { name, value };
    return { address: `${isLocal ? "http" : "https"}://${host}`, key };
  }
  const [, host] = /^(?:(?:https|sb):\/\/)?([\w.-]+(?::\d+)?)\/?$/iu.exec(text) ?? [];
  if (host === undefined)
    throw new UsageError(`"${text}" is no namespace of Service Bus: name.servicebus.windows.net.`);
  const full = host.includes(".") ? host : `${host}.servicebus.windows.net`;
  return { address: `https://${full}` };
}

interface Subscription {
  readonly namespace: Namespace;
  readonly topic: string;
  readonly name: string;
}

/**
 * Creates a subscription, yields its messages until `signal` is aborted or the caller stops, and
 * deletes it. Throws `Ended` if access is refused, and the signal's reason.
 */
export async function* receive(
  { namespace, topic, name }: Subscription,
  io: Io,
  signal: AbortSignal,
  note: (line: string) => void,
): AsyncGenerator<string, void, undefined> {
  const { address, key } = namespace;
  const token = key === undefined ? tokensFor(SCOPE, io) : undefined;
  const at = `${address}/${topic}/subscriptions/${name}`;
  const send = async (
    url: string,
    init: RequestInit,
    ends: AbortSignal,
  ): Promise<{ readonly status: number; readonly text: string }> => {
    const authorization =
      key === undefined
        ? `Bearer ${await token?.()}`
        : keyToken(key, `${address}/${topic}`, Date.now());
    const response = await io.fetch(url, {
      ...init,
      headers: { ...init.headers, Authorization: authorization },
      signal: ends,
    });
    return { status: response.status, text: await response.text() };
  };
  /** Retries a request without an answer, or with 429 or 5xx. */
  const persist = async (
    url: string,
    init: RequestInit,
    attempts: number,
  ): ReturnType<typeof send> => {
    for (let attempt = 1; ; attempt += 1) {
      const ends = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
      let reason: string;
      try {
        const answer = await send(url, init, ends);
        if (answer.status !== 429 && answer.status < 500) return answer;
        reason = `${address} answers ${answer.status}.`;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof Ended || error instanceof UsageError) throw error;
        reason = `${address} could not be reached: ${reasonOf(error)}`;
      }
      if (attempt >= attempts) throw new Ended("unavailable", reason);
      if (attempt === 2) note(`${reason.replace(/\.?$/u, ".")} Asking again.`);
      const delayMs = FIRST_DELAY_MS * 2 ** Math.min(attempt - 1, 10);
      await io.sleep(Math.min(delayMs, LONGEST_DELAY_MS), signal);
    }
  };
  const create = async (): Promise<void> => {
    const { status, text } = await persist(
      `${at}?api-version=${API_VERSION}`,
      {
        method: "PUT",
        body: SUBSCRIPTION,
        headers: {
          "Content-Type": "application/atom+xml;type=entry;charset=utf-8",
        },
      },
      CREATE_ATTEMPTS,
    );
    // 409: an earlier attempt succeeded, but its answer was lost.
    if (status !== 201 && status !== 409) throw refusal(status, text, topic);
  };
  let isMade = false;
  try {
    await create();
    isMade = true;
    note(`Listening to ${topic} of ${new URL(address).host}.`);
    for (;;) {
      const { status, text } = await persist(
        `${at}/messages/head?timeout=${WAIT_SECONDS}`,
        { method: "DELETE" },
        Infinity,
      );
      if (status === 200) yield text;
      else if (status === 404 || status === 410) {
        note("The subscription is gone, and events may be missing here. Another one is made.");
        await create();
      } else if (status !== 204) throw refusal(status, text, topic);
    }
  } finally {
    const deleted = await send(
      `${at}?api-version=${API_VERSION}`,
      { method: "DELETE" },
      AbortSignal.timeout(CLEANUP_MS),
    ).then(
      ({ status }) => status,
      () => 0,
    );
    if (isMade && ![200, 404, 410].includes(deleted))
      note(
        `The subscription ${name} could not be deleted; Service Bus deletes it once nobody has used it for five minutes.`,
      );
  }
}

/**
 * The elements must be in the order of the service's schema, which ignores any that come too early.
 */
const SUBSCRIPTION = `<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml"><SubscriptionDescription xmlns="http://schemas.microsoft.com/netservices/2010/10/servicebus/connect"><DefaultMessageTimeToLive>PT1H</DefaultMessageTimeToLive><DeadLetteringOnMessageExpiration>false</DeadLetteringOnMessageExpiration><AutoDeleteOnIdle>PT5M</AutoDeleteOnIdle></SubscriptionDescription></content></entry>`;

function refusal(status: number, text: string, topic: string): Ended {
  const [, detail = ""] = /<Detail>([^<]*)/u.exec(text) ?? [];
  if (status === 401 || status === 403)
    return new Ended(
      "notAllowed",
      `Not allowed to make a subscription of the topic ${topic} (${status}). It takes the role Azure Service Bus Data Owner, of the topic. ${detail}`.trim(),
    );
  return new Ended(
    status === 404 ? "refused" : "failed",
    status === 404
      ? `There is no topic ${topic} there. ${detail}`.trim()
      : `Service Bus answers ${status}. ${detail}`.trim(),
  );
}

/** https://learn.microsoft.com/rest/api/eventhub/generate-sas-token */
function keyToken(
  { name, value }: NonNullable<Namespace["key"]>,
  resource: string,
  nowMs: number,
): string {
  const expiry = Math.floor(nowMs / 1000) + KEY_TOKEN_SECONDS;
  const signed = `${encodeURIComponent(resource)}\n${expiry}`;
  const signature = createHmac("sha256", value).update(signed).digest("base64");
  return `SharedAccessSignature sr=${encodeURIComponent(resource)}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${encodeURIComponent(name)}`;
}

function reasonOf(error: unknown): string {
  const { cause, message } = error as Error;
  return cause instanceof Error && cause.message !== "" ? cause.message : message;
}
