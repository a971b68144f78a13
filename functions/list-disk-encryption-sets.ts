import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("list-disk-encryption-sets", {
  methods: ["GET"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route: "subscriptions/{subscriptionId}/disk-encryption-sets",
  handler: app.http.listDiskEncryptionSets,
});
