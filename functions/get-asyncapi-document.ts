import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-asyncapi-document", {
  methods: ["GET"],
  authLevel: "anonymous", // Open by design: the document holds no secret.
  route: "asyncapi.json",
  handler: app.http.getAsyncApiDocument,
});
