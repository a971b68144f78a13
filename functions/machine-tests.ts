import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.generic("machine-tests", app.machineTests);
