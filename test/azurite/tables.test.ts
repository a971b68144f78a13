/** The adapters on Azurite: what every other test has them on, the local stack's own tables, must not be kinder. */
import { describe } from "vitest";
import { tablesSuite } from "../support/port-suites/tables.js";
import { startAzurite } from "./azurite.js";

describe("tables in Azurite", () => {
  tablesSuite(startAzurite);
});
