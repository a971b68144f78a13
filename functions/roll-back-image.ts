import { app as functions } from "@azure/functions";
import { app } from "../src/app.js";

functions.http("roll-back-image", {
  methods: ["POST"],
  authLevel: "anonymous", // The handler verifies an access token itself.
  route:
    "subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/rollback",
  handler: app.http.rollBackImage,
});
