import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("arm-put-image-version", {
  methods: ["PUT"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/galleries/{galleryName}/images/{imageName}/versions/{versionName}",
  handler: app.http.armPutImageVersion,
});
