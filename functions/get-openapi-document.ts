import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-openapi-document", {
  methods: ["GET"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "openapi.json",
  handler: app.http.getOpenApiDocument,
});
