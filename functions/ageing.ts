import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.timer("ageing", {
  schedule: app.ageingSchedule,
  handler: (_timer, context) => app.ageing(context),
});
