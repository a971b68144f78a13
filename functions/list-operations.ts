import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("list-operations", {
  methods: ["GET"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "operations",
  handler: app.http.listOperations,
});
