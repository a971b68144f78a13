import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.generic("image-version-replications", app.replications);
