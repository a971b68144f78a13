import { expect, test } from "vitest";
import {
  parsePath,
  parseResourceId,
  pathOf,
  routeTo,
  type Route,
} from "../../../src/page/src/routes.js";

const image = {
  subscriptionId: "00000000-0000-0000-0000-000000000000",
  resourceGroupName: "a (b)",
  galleryName: "MyGallery",
  imageName: "MyImage",
};
const ROUTES: readonly Route[] = [
  { view: "home" },
  {
    view: "gallery",
    gallery: {
      subscriptionId: image.subscriptionId,
      resourceGroupName: image.resourceGroupName,
      galleryName: image.galleryName,
    },
  },
  { view: "image", image },
  { view: "version", image, version: "1.0.0" },
  { view: "create", image },
  { view: "create", image, version: "1.0.0" },
  { view: "retention", image },
  { view: "operations" },
  { view: "operation", operationId: "0b9fcb0cbd3d9a1e4a3f0e9a8f1c2d3e-1" },
  { view: "keys" },
  { view: "keys", subscriptionId: image.subscriptionId },
  { view: "rejected" },
];

test.each(ROUTES.map((route) => [pathOf(route), route] as const))(
  "%s leads to its view",
  (path, route) => {
    expect(parsePath(path)).toEqual(route);
    expect(parsePath(`${path}/`)).toEqual(route);
  },
);

test.each([
  "/api/ui/nowhere",
  "/api/ui/images/one/two",
  "/api/ui/galleries/one/two",
  "/api/ui/galleries/one/two/three/four",
  `${pathOf({ view: "image", image })}/versions`,
  `${pathOf({ view: "version", image, version: "1.0.0" })}/other`,
  "/api/ui/operations/one/two",
  "/api/ui/rejected/one",
])("%s is no view", (path) => {
  expect(parsePath(path)).toEqual({ view: "unknown" });
});

test("a name that cannot be decoded is shown as it is", () => {
  expect(parsePath("/api/ui/operations/%E0%A4%A")).toEqual({
    view: "operation",
    operationId: "%E0%A4%A",
  });
});

test("resource ids of Azure and of the API's paths name an image definition or a version, in either case", () => {
  const id = `/subscriptions/${image.subscriptionId}/resourcegroups/a (b)/providers/microsoft.compute/galleries/MyGallery/images/MyImage`;
  expect(parseResourceId(id)).toEqual({ image });
  expect(parseResourceId(` ${id}/versions/1.0.0/ `)).toEqual({
    image,
    version: "1.0.0",
  });
  expect(parseResourceId(id.replace("/providers/microsoft.compute", ""))).toEqual({ image });
  expect(parseResourceId("/subscriptions/x")).toBeUndefined();
});

test("a resource id leads to the view of what it names", () => {
  const { imageName: _, ...gallery } = image;
  const id = `subscriptions/${image.subscriptionId}/RESOURCEGROUPS/a (b)/providers/Microsoft.Compute/galleries/MyGallery`;
  expect(routeTo(`${id}/`)).toEqual({ view: "gallery", gallery });
  expect(parseResourceId(id)).toBeUndefined();
  expect(routeTo(`${id}/images/MyImage`)).toEqual({ view: "image", image });
  expect(routeTo(`${id}/images/MyImage/versions/1.0.0`)).toEqual({
    view: "version",
    image,
    version: "1.0.0",
  });
  expect(routeTo(`${id}/images`)).toBeUndefined();
  expect(routeTo("MyGallery")).toBeUndefined();
});
