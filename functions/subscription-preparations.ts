import { app as functions } from "@azure/functions";
import { app } from "../src/main.js";

functions.generic("subscription-preparations", app.preparations);
