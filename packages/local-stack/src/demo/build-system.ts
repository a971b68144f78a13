import type { ServiceBusClient } from "@azure/service-bus";
import { randomUUID } from "node:crypto";
import { versionId } from "./requests.js";

/** Where build systems ask for versions. */
export const REQUESTS_QUEUE = "image-version-requests";

/** Asks for a version as a build system does: a structured CloudEvent whose data is the body of the PUT. */
export async function sendAsBuildSystem(
  client: ServiceBusClient,
  version: string,
  request: unknown,
): Promise<void> {
  const id = randomUUID();
  const sender = client.createSender(REQUESTS_QUEUE);
  try {
    await sender.sendMessages({
      messageId: id,
      contentType: "application/cloudevents+json",
      body: {
        specversion: "1.0",
        id,
        source: "https://builds.example.com/golden-image/42",
        type: "com.example.builds.ImageVersionRequested",
        subject: versionId(version),
        datacontenttype: "application/json",
        data: request,
      },
    });
  } finally {
    await sender.close();
  }
}
