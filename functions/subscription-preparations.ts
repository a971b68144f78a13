import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.generic("subscription-preparations", app.preparations);
