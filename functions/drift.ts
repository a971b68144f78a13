import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

if (app.driftSchedule !== undefined)
  functions.timer("drift", {
    schedule: app.driftSchedule,
    handler: (_timer, context) => app.drift(context),
  });
