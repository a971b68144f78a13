import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

// Anonymous to the host: each handler verifies an access token itself, unless the OpenAPI document leaves its operation open.
for (const { name, ...route } of app.http)
  functions.http(name, { ...route, authLevel: "anonymous" });
