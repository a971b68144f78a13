import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.timer("dead-letters", app.timers.deadLetter);
