import { describe, expect, test } from "vitest";
import {
  canonicalRegion,
  formatImageVersionId,
  isComputeResourceId,
  keyOf,
  normaliseResourceId,
  parseImageVersionId,
  parseResourceId,
  sameResourceId,
} from "../../../src/resource-id.js";

const GUID = "AAAAAAAA-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const COMPUTE = `/subscriptions/${GUID}/resourceGroups/My-Group_(1).x(/providers/Microsoft.Compute`;
const VERSION = `${COMPUTE}/galleries/My.Gallery/images/My-Image/versions/1.0.0`;

describe("a resource id", () => {
  test("is taken apart, its subscription and type in lower case and its names as they came", () => {
    expect(parseResourceId(VERSION)).toEqual({
      subscriptionId: GUID.toLowerCase(),
      resourceGroupName: "My-Group_(1).x(",
      namespace: "Microsoft.Compute",
      type: "galleries/images/versions",
      names: ["My.Gallery", "My-Image", "1.0.0"],
    });
  });

  test.each([
    ["without its leading slash", VERSION.slice(1)],
    ["with a slash at its end", `${VERSION}/`],
    ["with several leading slashes", `//${VERSION}`],
    ["with spaces around it", `  ${VERSION}\n`],
    ["in upper case", VERSION.toUpperCase()],
  ])("%s is the same id", (_, text) => {
    expect(sameResourceId(text, VERSION)).toBe(true);
    expect(keyOf(text)).toBe(keyOf(VERSION));
    expect(parseResourceId(text)).toBeDefined();
  });

  test.each([
    ["nothing", ""],
    ["slashes", "///"],
    ["a parent as a name", `${COMPUTE}/galleries/../images/x/versions/1.0.0`],
    ["a parent as the last name", `${COMPUTE}/diskEncryptionSets/..`],
    ["the place itself as a name", `${COMPUTE}/diskEncryptionSets/.`],
    ["a name that ends in a dot", `${COMPUTE}/diskEncryptionSets/set.`],
    ["a name that begins with a dot", `${COMPUTE}/diskEncryptionSets/.set`],
    ["a parent as the group", VERSION.replace("My-Group_(1).x(", "..")],
    ["a group that ends in a dot", VERSION.replace("(/", "./")],
    ["an encoded slash", `${COMPUTE}/diskEncryptionSets/a%2Fb`],
    ["an encoded parent", `${COMPUTE}/diskEncryptionSets/%2e%2e`],
    ["a backslash", `${COMPUTE}/diskEncryptionSets/a\\b`],
    ["a query", `${COMPUTE}/diskEncryptionSets/a?b=c`],
    ["a fragment", `${COMPUTE}/diskEncryptionSets/a#b`],
    ["a space", `${COMPUTE}/diskEncryptionSets/a b`],
    ["a line break", `${COMPUTE}/diskEncryptionSets/a\nb`],
    ["a NUL", `${COMPUTE}/diskEncryptionSets/a\0b`],
    ["an empty name", `${COMPUTE}/diskEncryptionSets//`],
    ["a type without a name", `${COMPUTE}/galleries/a/images`],
    ["no subscription", VERSION.replace(GUID, "1")],
    ["a Cyrillic letter", `${COMPUTE}/diskEncryptionSets/s\u0435t`],
    ["a full-width letter", `${COMPUTE}/diskEncryptionSets/\uff41`],
    // Both match [a-z] where `i` and `u` meet (ECMA-262, Canonicalize by simple case folding).
    ["a long s for an s", VERSION.replace("/s", "/\u017f")],
    ["a Kelvin sign for a k", `${COMPUTE}/diskEncryptionSets/\u212aey`],
    ["a name of 129 letters", `${COMPUTE}/disks/${"a".repeat(129)}`],
    ["an address", `https://management.azure.com${VERSION}`],
  ])("is not %s", (_, text) => {
    expect(parseResourceId(text)).toBeUndefined();
    expect(parseImageVersionId(text)).toBeUndefined();
  });

  test("may have names of one letter and of 128", () => {
    for (const name of ["a", "_", "9", "a".repeat(128), "a..b", "a-_.9"])
      expect(parseResourceId(`${COMPUTE}/disks/${name}`)?.names).toEqual([name]);
  });

  test("of 100,000 characters is refused at once", () => {
    // A pattern that backtracks would take minutes; the test's own timeout tells.
    expect(parseResourceId(`/${"a/".repeat(50_000)}`)).toBeUndefined();
    expect(parseResourceId(`${COMPUTE}/disks/${"a.".repeat(50_000)}`)).toBeUndefined();
  });

  test("is of a type only in its own namespace", () => {
    expect(isComputeResourceId(`${COMPUTE}/Disks/a`, "disks")).toBe(true);
    expect(isComputeResourceId(`${COMPUTE}/snapshots/a`, "disks")).toBe(false);
    expect(
      isComputeResourceId(
        `${COMPUTE}/disks/a`.replace("Microsoft.Compute", "Contoso.Compute"),
        "disks",
      ),
    ).toBe(false);
  });

  test("in its one spelling has one leading slash and none at the end", () => {
    expect(normaliseResourceId(" subscriptions/x// ")).toBe("/subscriptions/x");
    expect(normaliseResourceId("///a//b")).toBe("/a//b");
    expect(normaliseResourceId(" // ")).toBe("/");
  });
});

describe("an image version's id", () => {
  test("is read and written back", () => {
    const id = parseImageVersionId(VERSION.slice(1));
    expect(id).toEqual({
      subscriptionId: GUID.toLowerCase(),
      resourceGroupName: "My-Group_(1).x(",
      galleryName: "My.Gallery",
      imageName: "My-Image",
      versionName: "1.0.0",
    });
    expect(formatImageVersionId(id as NonNullable<typeof id>)).toBe(
      VERSION.replace(GUID, GUID.toLowerCase()),
    );
  });

  test.each(["latest", "1.0", "1.0.0.0", "1.0.x", "1.0.-1", "1.0.12345678901"])(
    "does not end in %s",
    (name) => {
      expect(parseImageVersionId(VERSION.replace("1.0.0", name))).toBeUndefined();
    },
  );

  test("is not another resource's", () => {
    expect(parseImageVersionId(`${COMPUTE}/galleries/g/images/i`)).toBe(undefined);
    expect(
      parseImageVersionId(VERSION.replace("Microsoft.Compute", "Microsoft.Other")),
    ).toBeUndefined();
  });
});

test("a key is 32 hexadecimal digits and differs for other ids", () => {
  expect(keyOf(VERSION)).toMatch(/^[0-9a-f]{32}$/u);
  expect(keyOf(VERSION)).not.toBe(keyOf(VERSION.replace("1.0.0", "1.0.1")));
});

test.each([
  ["West US", "westus"],
  ["westus", "westus"],
  [" East  US\t2 ", "eastus2"],
  ["WESTUS", "westus"],
])("the canonical name of region %j is %s", (name, canonical) => {
  expect(canonicalRegion(name)).toBe(canonical);
});
