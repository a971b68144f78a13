import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-liveness", {
  methods: ["GET"],
  authLevel: "anonymous", // Open by design: probes carry no token.
  route: "health/live",
  handler: app.http.getLiveness,
});
