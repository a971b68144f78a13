import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("key-guardian", {
  schedule: app.keyGuardianSchedule,
  handler: (_timer, context) => app.keyGuardian(context),
});
