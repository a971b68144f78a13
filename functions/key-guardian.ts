import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

if (app.keyGuardianSchedule !== undefined)
  functions.timer("key-guardian", {
    schedule: app.keyGuardianSchedule,
    handler: (_timer, context) => app.keyGuardian(context),
  });
