import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.serviceBusQueue("image-version-creations", {
  connection: "ServiceBusConnection",
  queueName: "image-version-creations",
  handler: app.creations,
});
