import { app as functionsApp } from "@azure/functions";
import { app } from "../src/main.js";

app.telemetry.instrument(functionsApp);

functionsApp.hook.appTerminate(() => app.telemetry.shutdown());
