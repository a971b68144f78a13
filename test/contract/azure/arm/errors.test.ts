/** What ARM refuses, as the errors that Sigil makes of it. */
import { describe, expect, test } from "vitest";
import { createArmClient } from "../../../../src/azure/arm/client.js";
import { createResourceManager } from "../../../../src/azure/arm/resource-manager.js";
import { createResourceReader } from "../../../../src/azure/arm/resource-reader.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import type { ResourceManager, ResourceReader } from "../../../../src/image-version/ports.js";
import { idOf } from "../../../support/dependencies.js";
import { refusal } from "../../../support/refusal.js";
import { managedImageRequest, seedResource, seedVersionId } from "../../../support/requests.js";
import { NOW, onWire, refused, type Reply, type WireServer } from "./wire-server.js";
import { naming } from "../../../support/naming.js";

const id = idOf(seedVersionId("1.0.0"));

describe("over the wire", () => {
  let wire: WireServer;
  let arm: ResourceManager;
  let resources: ResourceReader;
  onWire((given) => {
    wire = given;
    const client = createArmClient(wire.options());
    arm = createResourceManager(client);
    resources = createResourceReader(client);
  });

  test.each<[string, Reply, string, number]>([
    [
      "429 without Retry-After",
      { status: 429, body: refused("TooManyRequests") },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "429 with a short Retry-After",
      { status: 429, headers: { "Retry-After": "3" } },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "429 with Retry-After",
      { status: 429, headers: { "Retry-After": "77" } },
      "ResourceManagerThrottled",
      77_000,
    ],
    [
      "429 with a date",
      {
        status: 429,
        headers: { "Retry-After": new Date(NOW + 90_000).toUTCString() },
      },
      "ResourceManagerThrottled",
      90_000,
    ],
    [
      "429 with a date that is past",
      {
        status: 429,
        headers: { "Retry-After": new Date(NOW - 90_000).toUTCString() },
      },
      "ResourceManagerThrottled",
      10_000,
    ],
    [
      "429 with nonsense",
      { status: 429, headers: { "Retry-After": "soon" } },
      "ResourceManagerThrottled",
      10_000,
    ],
    ["409 Conflict", { status: 409, body: refused("Conflict") }, "ResourceManagerBusy", 30_000],
    [
      "409 AnotherOperationInProgress",
      { status: 409, body: refused("AnotherOperationInProgress") },
      "ResourceManagerBusy",
      30_000,
    ],
    [
      "401",
      { status: 401, body: refused("ExpiredAuthenticationToken") },
      "ResourceManagerUnavailable",
      10_000,
    ],
    ["408", { status: 408 }, "ResourceManagerUnavailable", 10_000],
    [
      "500",
      { status: 500, body: refused("InternalServerError") },
      "ResourceManagerUnavailable",
      10_000,
    ],
    [
      "502 that is a page",
      { status: 502, headers: { "Content-Type": "text/html" }, body: "<html>" },
      "ResourceManagerUnavailable",
      10_000,
    ],
    [
      "503 with Retry-After",
      { status: 503, headers: { "Retry-After": "120" } },
      "ResourceManagerUnavailable",
      120_000,
    ],
  ])("%s may be tried again", async (_, answer, code, retryAfterMs) => {
    wire.reply = answer;
    const request = canonicalForm(managedImageRequest());
    for (const call of [
      () => arm.getImageVersion(id),
      () => arm.putImageVersion(id, request),
      () => resources.getSource(seedResource("disks/a")),
      () => resources.getDiskEncryptionSet(seedResource("diskEncryptionSets/a")),
      () => arm.getOperationError(`${wire.endpoint}/operations/1`),
    ]) {
      wire.received = [];
      expect(await refusal(call())).toMatchObject({ code, retryAfterMs });
      expect(wire.received).toHaveLength(1); // None is tried again inside.
    }
  });

  test("409 says in Azure's own words what is in the way", async () => {
    const why = "The gallery has soft delete enabled: disable it first.";
    wire.reply = { status: 409, body: refused("Conflict", why) };
    expect(await refusal(arm.deleteImageVersion(id))).toMatchObject({
      code: "ResourceManagerBusy",
      message: naming(["409", why]),
    });
  });

  test.each<[string, Reply]>([
    ["400", { status: 400, body: refused("InvalidParameter") }],
    ["403 by a policy", { status: 403, body: refused("RequestDisallowedByPolicy") }],
    [
      "409 Conflict about what does not fit",
      {
        status: 409,
        body: refused(
          "Conflict",
          "The resource with id '/x' has a different Hypervisor generation ['V2'] than the parent gallery image Hypervisor generation ['V1'].",
        ),
      },
    ],
    ["409 of another kind", { status: 409, body: refused("PropertyChangeNotAllowed") }],
    ["409 without a reason", { status: 409 }],
    ["412", { status: 412, body: refused("PreconditionFailed") }],
  ])("%s is final", async (_, answer) => {
    wire.reply = answer;
    expect(
      await refusal(arm.putImageVersion(id, canonicalForm(managedImageRequest()))),
    ).toMatchObject({ code: "ResourceManagerRefused", retryable: false });
  });

  test.each<[string, string | undefined, string, string, string]>([
    [
      "AuthorizationFailed",
      "The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Compute/galleries/images/versions/write' over scope '/subscriptions/s/galleries/g' or the scope is invalid. If access was recently granted, please refresh your credentials.",
      "Microsoft.Compute/galleries/images/versions/write",
      "/subscriptions/s/galleries/g",
      "Compute Gallery Artifacts Publisher",
    ],
    [
      "LinkedAuthorizationFailed",
      "The client 'c' with object id 'o' has permission to perform action 'Microsoft.Compute/galleries/images/versions/write' on scope '/subscriptions/s/g'; however, it does not have permission to perform action(s) 'Microsoft.Compute/disks/write' on the linked scope(s) '/subscriptions/s/disks/d' (respectively) or the linked scope(s) are invalid.",
      "Microsoft.Compute/disks/write",
      "/subscriptions/s/disks/d",
      "Virtual Machine Contributor",
    ],
    [
      "LinkedAuthorizationFailed",
      "The client has permission to perform action 'Microsoft.Compute/images/read' on scope '/subscriptions/s/g', however the current tenant 't' is not authorized to access linked subscription 'other'.",
      "Microsoft.Compute/images/read",
      "/subscriptions/other",
      "Reader",
    ],
    [
      "AuthorizationFailed",
      "The client does not have authorization.",
      "Microsoft.Compute/galleries/images/versions/write",
      seedVersionId("1.0.0"),
      "Compute Gallery Artifacts Publisher",
    ],
    [
      "a 403 without a body",
      undefined,
      "Microsoft.Compute/galleries/images/versions/write",
      seedVersionId("1.0.0"),
      "Compute Gallery Artifacts Publisher",
    ],
  ])(
    "%s (%#) is terminal and says which action, where, and which role is missing",
    async (code, message, action, scope, role) => {
      wire.reply = {
        status: 403,
        body: message === undefined ? "" : refused(code, message),
      };
      const error = await refusal(arm.putImageVersion(id, canonicalForm(managedImageRequest())));
      expect(error).toMatchObject({
        code: "ResourceManagerForbidden",
        retryable: false,
        fields: { action, scope },
      });
      expect(error.message).toEqual(naming([action, scope, role]));
      expect(error.findings).toEqual([
        {
          code: "InsufficientPermission",
          pointer: "",
          severity: "error",
          message: naming([action, scope, ...(message === undefined ? [] : [code, message])]),
          remediation: naming([
            role,
            scope,
            `az role assignment create --assignee {Sigil's identity} --role "${role}" --scope ${scope}`,
          ]),
        },
      ]);
    },
  );

  test("a refusal by a policy keeps Azure's code among the findings", async () => {
    wire.reply = {
      status: 403,
      body: refused("RequestDisallowedByPolicy", "Resource '1.0.0' was disallowed by policy."),
    };
    const error = await refusal(arm.putImageVersion(id, canonicalForm(managedImageRequest())));
    expect(error).toMatchObject({
      code: "ResourceManagerRefused",
      findings: [
        {
          code: "RequestDisallowedByPolicy",
          message:
            "Azure says RequestDisallowedByPolicy: Resource '1.0.0' was disallowed by policy.",
        },
      ],
    });
  });

  test("what a detail says again is told once", async () => {
    const said = {
      code: "MissingSubscriptionRegistration",
      message: "The subscription is not registered.",
    };
    wire.reply = {
      status: 409,
      body: {
        error: {
          ...said,
          details: [{ ...said, target: "Microsoft.Compute" }],
        },
      },
    };
    const { findings } = await refusal(
      arm.putImageVersion(id, canonicalForm(managedImageRequest())),
    );
    expect(findings).toHaveLength(1);
    expect(findings[0]?.code).toBe("ProviderNotRegistered");
  });

  test("every detail of a refusal is a finding, where it says which field", async () => {
    wire.reply = {
      status: 400,
      body: {
        error: {
          code: "InvalidParameter",
          message: "Two things.",
          details: [
            {
              code: "A",
              message: "The source.",
              target: "galleryImageVersion.properties.storageProfile.dataDiskImages[1].source.id",
            },
            { code: "B", message: "Somewhere.", target: "elsewhere" },
            {},
          ],
        },
      },
    };
    const error = await refusal(arm.putImageVersion(id, canonicalForm(managedImageRequest())));
    expect(error.message).toEqual(naming(["400", "InvalidParameter", "1.0.0"]));
    expect(error.findings).toEqual([
      {
        code: "InvalidParameter",
        pointer: "",
        message: "Azure says InvalidParameter: Two things.",
        severity: "error",
      },
      {
        code: "A",
        pointer: "/properties/storageProfile/dataDiskImages/1/source/id",
        message: "Azure says A: The source.",
        severity: "error",
      },
      {
        code: "B",
        pointer: "",
        message: "Azure says B: Somewhere.",
        severity: "error",
      },
      {
        code: "Unknown",
        pointer: "",
        message: "Azure says Unknown: no message",
        severity: "error",
      },
    ]);
  });

  test("a detail that is no object is passed over", async () => {
    wire.reply = {
      status: 400,
      body: { error: { code: "X", message: "Y.", details: [null, "z", 1] } },
    };
    expect(
      await refusal(arm.putImageVersion(id, canonicalForm(managedImageRequest()))),
    ).toMatchObject({
      code: "ResourceManagerRefused",
      findings: [{ code: "X", pointer: "", message: "Azure says X: Y." }],
    });
  });
});
