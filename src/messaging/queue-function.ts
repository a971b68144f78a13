import type { InvocationContext } from "@azure/functions";

/** A function that a queue triggers, as `app.generic` of `@azure/functions` registers it. */
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
 * The function of a queue, its messages bound as bytes. Bound as text, which is the default, they would be worth less: what
 * is not UTF-8 is lost, JSON arrives parsed (two equal names become one, numbers change), and the host lays the fields of
 * a JSON body over the trigger's metadata, so that whoever sends one chooses its MessageId and delivery count.
 *
 * `@azure/functions` hands a generic trigger's options to the host as they are. The host then binds `byte[]`, and merges
 * nothing. A body that is no AMQP data section (a value or a sequence) cannot be bound so: it never arrives here, and
 * ends in the dead-letter queue.
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
