import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("demote-image-version", {
  methods: ["POST"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/versions/{versionName}/demote",
  handler: app.http.demoteImageVersion,
});
