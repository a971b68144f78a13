import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-operation", {
  methods: ["GET"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "operations/{operationId}",
  handler: app.http.getOperation,
});
