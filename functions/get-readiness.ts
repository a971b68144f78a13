import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("get-readiness", {
  methods: ["GET"],
  authLevel: "anonymous", // Open by design: probes carry no token.
  route: "health/ready",
  handler: app.http.getReadiness,
});
