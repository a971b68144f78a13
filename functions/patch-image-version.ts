import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("patch-image-version", {
  methods: ["PATCH"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/versions/{versionName}",
  handler: app.http.patchImageVersion,
});
