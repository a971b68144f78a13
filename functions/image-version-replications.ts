import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.serviceBusQueue("image-version-replications", {
  connection: "ServiceBusConnection",
  queueName: "image-version-replications",
  handler: app.replications,
});
