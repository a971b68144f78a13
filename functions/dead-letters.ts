import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("dead-letters", {
  schedule: app.deadLetterSchedule,
  handler: (_timer, context) => app.deadLetters(context),
});
