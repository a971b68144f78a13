import type { AsyncApiDocument } from "../../../openapi/bundle.mjs";
import { follow, schemaChanges, type Schema } from "./schema-changes.js";

interface Message {
  readonly payload: Schema;
  readonly headers?: Schema;
}

/** What senders and subscribers of `before` would no longer find in `after`, a sentence each; both are bundled. */
export function asyncApiChanges(before: AsyncApiDocument, after: AsyncApiDocument): string[] {
  return Object.entries(before.channels).flatMap(([name, channel]) => {
    const kept = after.channels[name];
    if (kept === undefined || kept.address !== channel.address)
      return [`${channel.address} is gone`];
    // The service takes what comes by the queue, and writes what goes to the topic.
    const direction = name.endsWith("Requests") ? "request" : "response";
    return Object.entries(channel.messages).flatMap(([key, reference]) => {
      const place = `${channel.address} ${key}`;
      const now = kept.messages[key];
      if (now === undefined) return [`${place} is gone`];
      const [old, current] = [follow<Message>(reference, before), follow<Message>(now, after)];
      const compared = (was: Schema | undefined, is: Schema | undefined, what: string): string[] =>
        was === undefined
          ? []
          : schemaChanges(
              {
                before: was,
                after: is ?? {},
                beforeRoot: before,
                afterRoot: after,
              },
              direction,
              `${place}: ${what}`,
            );
      return [
        ...compared(old.payload, current.payload, "payload"),
        ...compared(old.headers, current.headers, "properties"),
      ];
    });
  });
}
