import { expect, it } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { EXCLUDE, PROMOTION, setting } from "../../../../src/page/src/create/model/form.js";
import { formOf } from "../../../../src/page/src/create/model/read.js";
import { expandedId } from "../../../../src/page/src/create/model/sources.js";
import {
  patchOf,
  removedRegions,
  requestOf,
} from "../../../../src/page/src/create/model/submission.js";
import { managedImageRequest, seedResource } from "../../../support/requests.js";

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
    method: "PATCH",
    address: `${VERSIONS}/1.0.0?plan=require&removeRegions=eastus2`,
    headers: { "If-Match": '"a"' },
    body: { properties: { publishingProfile: { targetRegions: [{}] } } },
  });
});

it("a change says what it changes of latest and of the rule, and nothing else", () => {
  const form = formOf(
    { ...managedImageRequest(), sigil: { promotion: { when: "manual" } } },
    { version: "1.0.0", exists: true },
  );
  const base = { form, etag: '"a"' };
  expect(patchOf(form, base)).toEqual({});
  const excludedForm = { ...form, ...setting(EXCLUDE, true)(form) };
  expect(patchOf(excludedForm, base)).toEqual({
    properties: { publishingProfile: { excludeFromLatest: true } },
  });
  const excluded = { form: excludedForm, etag: '"a"' };
  expect(patchOf(form, excluded)).toEqual({
    properties: { publishingProfile: { excludeFromLatest: false } },
  });
  const unruled = { ...form, ...setting(PROMOTION, undefined)(form) };
  expect(patchOf(unruled, base)).toEqual({ sigil: { promotion: null } });
});

it.each([
  ["myImage", "managedImage", seedResource("images/myImage")],
  [" my-vm_1.a ", "virtualMachine", seedResource("virtualMachines/my-vm_1.a")],
  ["mySnapshot", "disks", seedResource("snapshots/mySnapshot")],
  ["/subscriptions/x", "managedImage", "/subscriptions/x"],
  ["myImage", "imageVersion", "myImage"],
  ["1.0.0", "imageVersion", seedResource("galleries/MyGallery/images/MyImage/versions/1.0.0")],
  [
    "My-Other/1.0.0",
    "imageVersion",
    seedResource("galleries/MyGallery/images/My-Other/versions/1.0.0"),
  ],
  [
    "Theirs/My-Other/1.0.0",
    "imageVersion",
    seedResource("galleries/Theirs/images/My-Other/versions/1.0.0"),
  ],
  ["<b>", "managedImage", "<b>"],
  ["", "managedImage", ""],
] as const)("%s as %s is %s", (text, kind, id) => {
  expect(expandedId(text, kind, IMAGE)).toBe(id);
});
