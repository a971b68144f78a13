import { describe, expect, test } from "vitest";
import { seedWorld } from "../src/world.js";
import {
  COMPUTE,
  DEFINITION,
  DURATION_MS,
  GROUP,
  plainVersion,
  startForEach,
  submit,
  SUBSCRIPTION,
  versionId,
  type Harness,
} from "./harness.js";

let h: Harness;
startForEach((started) => (h = started));

const refusal = (status: number, code: string, message: string) => ({
  status,
  body: {
    error: { code, message: expect.stringContaining(message) as string },
  },
});

const putGallery = (name: string, location = "westus", group = GROUP) =>
  h.call("PUT", `${COMPUTE.replace(GROUP, group)}/galleries/${name}`, {
    body: { location },
  });

const PROPERTIES = {
  osType: "Linux",
  osState: "Generalized",
  hyperVGeneration: "V2",
  identifier: { publisher: "Contoso", offer: "Linux", sku: "standard" },
};
const definition = (name: string) => `${COMPUTE}/galleries/MyGallery/images/${name}`;
const putDefinition = (name: string, change: object = {}, location = "westus") =>
  h.call("PUT", definition(name), {
    body: { location, properties: { ...PROPERTIES, ...change } },
  });

describe("a gallery is refused", () => {
  test.each([
    [
      "my-gallery",
      "InvalidParameter",
      "Gallery name is invalid. Allowed characters are English alphanumeric",
    ],
    ["_gallery", "InvalidParameter", "Gallery name is invalid."],
    ["g".repeat(81), "InvalidParameter", "up to 80 characters total"],
    [
      "gallery.",
      "InvalidResourceName",
      "The provided resource name 'gallery.' has these invalid trailing characters: '.'.",
    ],
    ["gallery_", "InvalidResourceName", "The name can not end with characters: '_'"],
  ])("by the name %s", async (name, code, message) => {
    expect(await putGallery(name)).toMatchObject(refusal(400, code, message));
  });

  test("in a region that is none, and in one that the subscription has not", async () => {
    const message = (region: string) =>
      `The provided location '${region}' is not available for resource type 'Microsoft.Compute/galleries'. List of available regions for the resource type is 'westus,`;
    const code = "LocationNotAvailableForResourceType";
    expect(await putGallery("Another", "mars")).toMatchObject(refusal(400, code, message("mars")));
    await h.control("setUnavailableRegions", {
      subscriptionId: SUBSCRIPTION,
      regions: ["eastus"],
    });
    expect(await putGallery("Another", "eastus")).toMatchObject(
      refusal(400, code, message("eastus")),
    );
  });

  test("by a name that a gallery of another group has", async () => {
    await h.call("PUT", `/subscriptions/${SUBSCRIPTION}/resourceGroups/Other`, {
      body: { location: "westus" },
    });
    expect(await putGallery("mygallery", "westus", "Other")).toMatchObject(
      refusal(
        409,
        "Conflict",
        `The gallery name 'mygallery' is not unique within the subscription '${SUBSCRIPTION}'. Please pick another gallery name.`,
      ),
    );
  });

  test("in another location than it is in", async () => {
    expect(await putGallery("MyGallery", "eastus")).toMatchObject(
      refusal(
        409,
        "InvalidResourceLocation",
        `The resource 'MyGallery' already exists in location 'westus' in resource group '${GROUP}'. A resource with the same name cannot be created in location 'eastus'.`,
      ),
    );
  });

  test("when it is deleted before its definitions, as they are before their versions", async () => {
    await submit(h.client, "1.0.0", plainVersion());
    h.clock.advance(DURATION_MS);
    for (const id of [`${COMPUTE}/galleries/MyGallery`, DEFINITION])
      expect(await h.call("DELETE", id)).toMatchObject(
        refusal(
          409,
          "CannotDeleteResource",
          "Can not delete resource before nested resources are deleted.",
        ),
      );
    await h.simulator.control.removeResource(versionId("1.0.0"));
    expect((await h.call("DELETE", DEFINITION)).status).toBe(200);
    expect((await h.call("DELETE", `${COMPUTE}/galleries/MyGallery`)).status).toBe(200);
  });
});

describe("an image definition", () => {
  test("keeps its purchase plan", async () => {
    const purchasePlan = { name: "a", publisher: "b", product: "c" };
    expect((await putDefinition("New", { purchasePlan })).status).toBe(201);
    expect((await h.call("GET", definition("New"))).body).toMatchObject({
      properties: { purchasePlan },
    });
  });

  test.each([
    ["osType", "Windows"],
    ["osState", "Specialized"],
    ["hyperVGeneration", "V1"],
    ["architecture", "Arm64"],
    ["features", [{ name: "SecurityType", value: "TrustedLaunch" }]],
    ["identifier.publisher", { ...PROPERTIES.identifier, publisher: "Other" }],
    ["identifier.offer", { ...PROPERTIES.identifier, offer: "Other" }],
    ["identifier.sku", { ...PROPERTIES.identifier, sku: "Other" }],
  ])("never changes its %s, by PUT or PATCH", async (property, value) => {
    await putDefinition("New");
    const change = { [property.split(".")[0] ?? ""]: value };
    const refused = refusal(
      409,
      "PropertyChangeNotAllowed",
      `Changing property 'galleryImage.properties.${property}' is not allowed.`,
    );
    expect(await putDefinition("New", change)).toMatchObject(refused);
    expect(
      await h.call("PATCH", definition("New"), {
        body: { properties: change },
      }),
    ).toMatchObject(refused);
    expect((await h.call("GET", definition("New"))).body).toMatchObject({
      properties: PROPERTIES,
    });
  });

  test("changes otherwise, and is the same with its defaults said and its features in another order", async () => {
    const features = [
      { name: "SecurityType", value: "TrustedLaunch" },
      { name: "DiskControllerTypes", value: "SCSI, NVMe" },
    ];
    await putDefinition("New", { features });
    const again = await putDefinition("New", {
      features: features.toReversed(),
      osType: "linux",
      architecture: "x64",
      description: "Changed",
    });
    expect(again).toMatchObject({
      status: 200,
      body: { properties: { description: "Changed" } },
    });
  });

  test.each([
    [
      "image.",
      "InvalidResourceName",
      "The provided resource name 'MyGallery/image.' has these invalid trailing characters: '.'.",
    ],
    [
      "image-",
      "InvalidParameter",
      "The entity name 'image-' is invalid according to its validation rule: ^[^_\\W][\\w-._]{0,79}(?<![-.])$",
    ],
    ["_image", "InvalidParameter", "The entity name '_image' is invalid"],
    ["i".repeat(81), "InvalidParameter", "is invalid according to its validation rule"],
  ])("is refused by the name %s", async (name, code, message) => {
    expect(await putDefinition(name)).toMatchObject(refusal(400, code, message));
  });

  test.each([
    [
      { osType: undefined },
      "Required parameter 'galleryImage.properties.osType' is missing (null).",
    ],
    [
      { identifier: undefined },
      "Required parameter 'galleryImage.properties.identifier' is missing (null).",
    ],
    [
      { identifier: { ...PROPERTIES.identifier, publisher: "" } },
      "Asset name galleryImage.properties.identifier.publisher is not valid. It cannot be empty.",
    ],
    [
      { identifier: { ...PROPERTIES.identifier, publisher: "p".repeat(129) } },
      "cannot exceed 128 characters.",
    ],
    [
      { identifier: { ...PROPERTIES.identifier, sku: "s".repeat(65) } },
      "identifier.sku is not valid.",
    ],
    [
      { identifier: { ...PROPERTIES.identifier, offer: "offer." } },
      "Names are not allowed to end with period(.).",
    ],
    [{ endOfLifeDate: "2020-12-01" }, "EndOfLifeDate must be set to a future date."],
    [
      { endOfLifeDate: "soon" },
      "Could not convert string to DateTimeOffset: soon. Path 'properties.endOfLifeDate'",
    ],
    [
      { recommended: { memory: { min: 8, max: 4 } } },
      "The minimum value of galleryImage.properties.recommended.memory must not be greater than the maximum value",
    ],
  ])("is refused with %j", async (change, message) => {
    const answer = await putDefinition("New", change);
    expect(answer.status).toBe(400);
    expect(answer.body["error"]).toMatchObject({
      message: expect.stringContaining(message) as string,
    });
    expect((await h.call("GET", definition("New"))).status).toBe(404);
  });

  test("is refused with the publisher, offer and SKU of another in its gallery", async () => {
    await putDefinition("New");
    expect(await putDefinition("Twin")).toMatchObject(
      refusal(
        409,
        "OperationNotAllowed",
        "Gallery image: Twin identified by (publisher:Contoso, offer:Linux, sku:standard) already exists. Choose a different publisher, offer, sku combination.",
      ),
    );
    expect(
      (
        await h.call("PUT", `${COMPUTE}/galleries/MySharedGallery/images/Twin`, {
          body: { location: "westus", properties: PROPERTIES },
        })
      ).status,
    ).toBe(201);
  });

  test("is refused in another location than it is in", async () => {
    await putDefinition("New");
    expect(await putDefinition("New", {}, "eastus")).toMatchObject(
      refusal(
        409,
        "InvalidResourceLocation",
        "The resource 'MyGallery/New' already exists in location 'westus'",
      ),
    );
  });
});

test("the world's own galleries and definitions could be made by PUT", async () => {
  const { resources } = seedWorld(SUBSCRIPTION);
  for (const { id, location, properties } of resources)
    if (/\/galleries\//u.test(id))
      expect((await h.call("PUT", id, { body: { location, properties } })).status).toBe(200);
});
