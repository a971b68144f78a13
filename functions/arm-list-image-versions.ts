import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("arm-list-image-versions", {
  methods: ["GET"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/galleries/{galleryName}/images/{imageName}/versions",
  handler: app.http.armListImageVersions,
});
