import { expect, onTestFinished, test } from "vitest";
import { knownRefusal } from "../../../../src/azure/arm/refusals.js";
import { canonicalForm } from "../../../../src/image-version/properties/canonical-form.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { seedWorld } from "@sigil-local/arm-simulator/world";
import { idOf } from "../../../support/dependencies.js";
import { startOverHttps } from "../../../support/over-https.js";
import { refusal } from "../../../support/refusal.js";
import { managedImageRequest, seedVersionId } from "../../../support/requests.js";

const SET = "/subscriptions/s/diskEncryptionSets/d";

/** Recorded answers, and words that differ a little from those that are written down. */
const SAID: readonly [code: string, message: string, expected: string][] = [
  [
    "SubscriptionNotRegisteredForFeature",
    "Subscription s is not registered for feature Microsoft.Compute/SIGEncryption.",
    "FeatureNotRegistered",
  ],
  [
    "InvalidParameter",
    "Cannot specify westus in target regions because the subscription is missing required feature F.",
    "FeatureNotRegistered",
  ],
  [
    "NoRegisteredProviderFound",
    "No registered resource provider found for location 'x'.",
    "RegionNotOffered",
  ],
  ["AuthorizationFailed", "No.", "InsufficientPermission"],
  ["LinkedAuthorizationFailed", "No.", "InsufficientPermission"],
  [
    "RequestDisallowedByPolicy",
    "Resource 'r' was disallowed by policy.",
    "RequestDisallowedByPolicy",
  ],
  ["QuotaExceeded", "No more.", "QuotaExceeded"],
  [
    "OperationNotAllowed",
    "Operation could not be completed as it results in exceeding approved quota.",
    "QuotaExceeded",
  ],
  ["OperationNotAllowed", "The disk is attached.", "OperationNotAllowed"],
  [
    "ScopeLocked",
    "The scope cannot perform write operation because following scope(s) are locked.",
    "ScopeLocked",
  ],
  [
    "ParentResourceNotFound",
    "Failed to perform 'write' on resource(s) of type 'galleries/images', because the parent resource '/subscriptions/s/galleries/g' could not be found.",
    "GalleryNotFound",
  ],
  [
    "ResourceNotFound",
    "The Resource 'Microsoft.Compute/galleries/g' under resource group 'r' was not found.",
    "GalleryNotFound",
  ],
  [
    "ResourceNotFound",
    "The Resource 'Microsoft.Compute/galleries/g/images/i' under resource group 'r' was not found.",
    "ImageDefinitionNotFound",
  ],
  [
    "ResourceNotFound",
    "The Resource 'Microsoft.Compute/images/i' under resource group 'r' was not found.",
    "SourceNotFound",
  ],
  ["PropertyChangeNotAllowed", "Changing property 'x' is not allowed.", "ImmutableProperty"],
  [
    "InvalidParameter",
    "Encrypted source: '/a' is in a different subscription ID than the current gallery image version subscription 's'.",
    "EncryptedSourceInOtherSubscription",
  ],
  [
    "InvalidParameter",
    `The disk encryption set '${SET}' must be in the same subscription 's' as the gallery resource.`,
    "DiskEncryptionSetInOtherSubscription",
  ],
  ["BadRequest", `The disk encryption set ${SET} was not found.`, "DiskEncryptionSetNotFound"],
  [
    "InvalidParameter",
    `The disk encryption set '${SET}' has no active key.`,
    "DiskEncryptionSetWithoutKey",
  ],
  [
    "InvalidParameter",
    `The disk encryption set '${SET}' is in provisioning state 'Failed'.`,
    "DiskEncryptionSetNotReady",
  ],
  [
    "InvalidParameter",
    `A disk encryption set is required for disk 'LUN 0' in target region 'a' since disk encryption set '${SET}' is used for the corresponding disk in region 'b'`,
    "DiskEncryptionSetMissing",
  ],
  [
    "LinkedInvalidPropertyId",
    "Property id 'x' at path 'properties.storageProfile.source.id' is invalid. Expect fully qualified resource Id.",
    "InvalidResourceId",
  ],
  [
    "Conflict",
    "The resource with id '/x' has a different architecture ['Arm64'] than the parent gallery image architecture ['x64'].",
    "ArchitectureMismatch",
  ],
  [
    "InvalidParameter",
    "The security type 'TrustedLaunchSupported' is not supported for the source id '/x'.",
    "SecurityTypeMismatch",
  ],
];

test.each(SAID)("%s: %s is %s", (code, message, expected) => {
  const known = knownRefusal({ code, message });
  expect(known.code).toBe(expected);
  if (known.code !== code) expect(known.remediation).toMatch(/\w.*\.$/u);
});

test.each([
  ["InvalidParameter", "The value is invalid."],
  ["Conflict", "The request failed due to conflict with a concurrent request."],
  [
    "Conflict",
    "The gallery image version '/v' is in provisioning state 'Updating'. Another operation on it is in progress; retry after it has completed.",
  ],
  ["CrpPirReplicationJobsNotCompleted", "Replication job not completed at region: eastus2"],
  // Names that say what the words of a refusal would.
  ["InvalidParameter", "The value '/galleries/architecture' is invalid."],
])("%s: %s keeps Azure's code", (code, message) => {
  expect(knownRefusal({ code, message })).toEqual({ code });
});

test.each<[string, Parameters<typeof seedWorld>[1]]>([
  ["ProviderNotRegistered", { compute: "NotRegistered" }],
  [
    "FeatureNotRegistered",
    {
      sigEncryption: "NotRegistered",
      requiredFeatures: ["Microsoft.Compute/SIGEncryption"],
    },
  ],
])(
  "what the simulator refuses in a subscription that is not prepared is %s",
  async (expected, options) => {
    const world = await startOverHttps({
      world: seedWorld(LOCAL_SUBSCRIPTION_ID, options),
    });
    onTestFinished(() => world.close());
    const { findings } = await refusal(
      world.deps.resourceManager.putImageVersion(
        idOf(seedVersionId("1.0.0")),
        canonicalForm(managedImageRequest()),
      ),
    );
    expect(findings.map(({ code }) => code)).toEqual([expected]);
    expect(findings[0]?.remediation).toContain("POST /api/subscriptions/{id}/prepare");
  },
);
