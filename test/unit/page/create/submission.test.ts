import { expect, it } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { formOf } from "../../../../src/page/src/create/model/form.js";
import { expandedId } from "../../../../src/page/src/create/model/sources.js";
import {
  removedRegions,
  requestOf,
} from "../../../../src/page/src/create/model/submission.js";
import {
  managedImageRequest,
  seedResource,
} from "../../../support/requests.js";

const IMAGE = {
  subscriptionId: LOCAL_SUBSCRIPTION_ID,
  resourceGroupName: "MyResourceGroup",
  galleryName: "MyGallery",
  imageName: "MyImage",
};
const VERSIONS = `/api/subscriptions/${LOCAL_SUBSCRIPTION_ID}/resourceGroups/MyResourceGroup/galleries/MyGallery/images/MyImage/versions`;

it("a new version is sent under its number, and changes none that is there", () => {
  const form = formOf(managedImageRequest(), { version: "1.0.0" });
  expect(requestOf(IMAGE, form, undefined)).toMatchObject({
    method: "PUT",
    address: `${VERSIONS}/1.0.0?plan=require`,
    headers: { "If-None-Match": "*" },
  });
});

it("without a number the service is asked for the next", () => {
  const form = formOf(managedImageRequest());
  expect(requestOf(IMAGE, form, undefined)).toMatchObject({
    method: "POST",
    address: `${VERSIONS}?increment=patch&plan=require`,
    headers: {},
  });
});

it("a change names the regions that go, and the version that was read", () => {
  const form = formOf(managedImageRequest(), {
    version: "1.0.0",
    exists: true,
  });
  const base = { form, etag: '"a"' };
  const changed = { ...form, regions: form.regions.slice(0, 1) };
  expect(removedRegions(changed, form)).toEqual(["eastus2"]);
  expect(requestOf(IMAGE, changed, base)).toMatchObject({
    address: `${VERSIONS}/1.0.0?plan=require&removeRegions=eastus2`,
    headers: { "If-Match": '"a"' },
  });
});

it.each([
  ["myImage", "managedImage", seedResource("images/myImage")],
  [" my-vm_1.a ", "virtualMachine", seedResource("virtualMachines/my-vm_1.a")],
  ["mySnapshot", "disks", seedResource("snapshots/mySnapshot")],
  ["/subscriptions/x", "managedImage", "/subscriptions/x"],
  ["myImage", "imageVersion", "myImage"],
  ["<b>", "managedImage", "<b>"],
  ["", "managedImage", ""],
] as const)("%s as %s is %s", (text, kind, id) => {
  expect(expandedId(text, kind, IMAGE)).toBe(id);
});
