import type { ServiceBusReceivedMessage, ServiceBusReceiver } from "@azure/service-bus";

/** Receives exactly `count` messages, waiting as long as it takes. */
export async function receive(
  receiver: ServiceBusReceiver,
  count: number,
): Promise<ServiceBusReceivedMessage[]> {
  const received: ServiceBusReceivedMessage[] = [];
  while (received.length < count)
    received.push(
      ...(await receiver.receiveMessages(count - received.length, {
        maxWaitTimeInMs: 10_000,
      })),
    );
  return received;
}
