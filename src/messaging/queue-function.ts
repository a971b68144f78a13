import type { InvocationContext } from "@azure/functions";

/** A function with a queue trigger, as `app.generic` of `@azure/functions` registers it. */
export interface QueueFunction {
  readonly trigger: {
    readonly type: "serviceBusTrigger";
    readonly name: "message";
    readonly connection: "ServiceBusConnection";
    readonly queueName: string;
    readonly dataType: "binary";
    readonly [option: string]: unknown;
  };
  readonly handler: (body: unknown, context: InvocationContext) => Promise<void>;
}

/**
 * The function of a queue, with messages bound as bytes. Bound as text, the default, they would
 * lose information: bytes that are not UTF-8 are lost, JSON arrives parsed (two equal names become
 * one, numbers change), and the host merges the fields of a JSON body into the trigger's metadata,
 * so a sender could choose its MessageId and delivery count.
 *
 * `@azure/functions` passes a generic trigger's options to the host unchanged. The host then binds
 * `byte[]`, and merges nothing. A body that is not an AMQP data section (a value or a sequence)
 * cannot be bound so: it never arrives here, and ends in the dead-letter queue.
 */
export function queueFunction(queueName: string, handler: QueueFunction["handler"]): QueueFunction {
  return {
    trigger: {
      type: "serviceBusTrigger",
      name: "message",
      connection: "ServiceBusConnection",
      queueName,
      dataType: "binary",
    },
    handler,
  };
}
