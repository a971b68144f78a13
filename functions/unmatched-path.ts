import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("unmatched-path", {
  methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
  authLevel: "anonymous", // It answers 404 or 405 alone.
  route: "{*path}",
  handler: app.http.fallback,
});
