import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.serviceBusQueue("subscription-preparations", {
  connection: "ServiceBusConnection",
  queueName: "subscription-preparations",
  handler: app.preparations,
});
