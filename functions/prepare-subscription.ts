import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("prepare-subscription", {
  methods: ["POST"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "subscriptions/{subscriptionId}/prepare",
  handler: app.http.prepareSubscription,
});
