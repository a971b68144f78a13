import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("put-retention-policy", {
  methods: ["PUT"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/retention",
  handler: app.http.putRetentionPolicy,
});
