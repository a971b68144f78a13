import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("retention", {
  schedule: app.retentionSchedule,
  handler: (_timer, context) => app.retention(context),
});
