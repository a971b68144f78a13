import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-subscription-preparation", {
  methods: ["GET"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "subscriptions/{subscriptionId}/prepare",
  handler: app.http.getSubscriptionPreparation,
});
