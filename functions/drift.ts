import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

if (app.timers.drift !== undefined) functions.timer("drift", app.timers.drift);
