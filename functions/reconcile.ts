import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("reconcile", app.timers.reconcile);
