import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("ageing", app.timers.ageing);
