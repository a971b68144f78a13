import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.serviceBusQueue("image-version-requests", {
  connection: "ServiceBusConnection",
  queueName: "image-version-requests",
  handler: app.requests,
});
