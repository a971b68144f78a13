import { createHmac } from "node:crypto";
import { once } from "node:events";
import rhea, { type Connection, type EventContext, type Typed } from "rhea";
import { onTestFinished } from "vitest";

/** An AMQP client of the plainest kind, which sees what the Service Bus client hides. */
export interface Plain {
  readonly connection: Connection;
  readonly hostAndPort: string;
}

export async function connectPlainly(port: number, options: object = {}): Promise<Plain> {
  const container = rhea.create_container();
  const connection = container.connect({
    port,
    host: "127.0.0.1",
    reconnect: false,
    ...options,
  });
  onTestFinished(() => connection.close());
  await once(connection, "connection_open");
  return { connection, hostAndPort: `localhost:${port}` };
}

export async function putToken(
  { connection, hostAndPort }: Plain,
  entity: string,
  messageId: string | Buffer,
  reply: { readonly target?: string; readonly replyTo?: string } = {},
): Promise<EventContext> {
  const audience = `sb://${hostAndPort}/${entity}`;
  const resource = encodeURIComponent(audience);
  const expiry = Math.floor(Date.now() / 1_000) + 60;
  const signature = createHmac("sha256", "SAS_KEY_VALUE")
    .update(`${resource}\n${expiry}`)
    .digest("base64");
  const session = connection.create_session();
  session.begin();
  const receiver = session.attach_receiver({
    source: { address: "$cbs" },
    ...(reply.target !== undefined && { target: { address: reply.target } }),
  });
  const sender = session.attach_sender({ target: { address: "$cbs" } });
  await once(sender, "sendable");
  const answered = once(receiver, "message");
  sender.send({
    message_id: messageId,
    ...(reply.replyTo !== undefined && { reply_to: reply.replyTo }),
    application_properties: {
      operation: "put-token",
      type: "servicebus.windows.net:sastoken",
      name: audience,
    },
    body: `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=RootManageSharedAccessKey`,
  });
  const [context] = (await answered) as [EventContext];
  return context;
}

/** Sections of a message with the types that rhea's own messages lose. */
export function encode(sections: readonly (readonly [code: number, value: Typed])[]): Buffer {
  const Writer = (rhea.types as unknown as { Writer: new () => WriterLike }).Writer;
  const writer = new Writer();
  for (const [code, value] of sections)
    writer.write(rhea.types.described(rhea.types.wrap_ulong(code), value) as Typed);
  return Buffer.from(writer.toBuffer());
}

interface WriterLike {
  write(value: Typed): void;
  toBuffer(): Buffer;
}

/** Descriptors of the sections of a message (AMQP 3.2). */
export const SECTION = {
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  value: 0x77,
  footer: 0x78,
} as const;
