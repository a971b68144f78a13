import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-openapi-document", {
  methods: ["GET"],
  authLevel: "anonymous", // Open by design: the document holds no secret.
  route: "openapi.json",
  handler: app.http.getOpenApiDocument,
});
