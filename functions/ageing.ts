import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("ageing", {
  schedule: app.ageingSchedule,
  handler: (_timer, context) => app.ageing(context),
});
