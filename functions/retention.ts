import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("retention", app.timers.retention);
