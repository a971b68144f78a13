import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("delete-retention-policy", {
  methods: ["DELETE"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/retention",
  handler: app.http.deleteRetentionPolicy,
});
