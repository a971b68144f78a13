import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("reconcile", {
  schedule: app.reconcileSchedule,
  handler: (_timer, context) => app.reconcile(context),
});
