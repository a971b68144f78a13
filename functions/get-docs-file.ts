import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-docs-file", {
  methods: ["GET"],
  authLevel: "anonymous", // Open by design: it shows what the open OpenAPI document says.
  route: "docs/{file}",
  handler: app.http.getDocsFile,
});
