import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("cancel-operation", {
  methods: ["POST"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "operations/{operationId}/cancel",
  handler: app.http.cancelOperation,
});
