import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

if (app.timers.keyGuardian !== undefined) functions.timer("key-guardian", app.timers.keyGuardian);
