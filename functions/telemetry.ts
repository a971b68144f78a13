import * as functions from "@azure/functions";
import { app } from "../src/app.js";

app.telemetry.instrument(functions);

functions.app.hook.appTerminate(() => app.telemetry.shutdown());
