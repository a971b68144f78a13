import { bicepString } from "../../shell-words.js";

const CONFIDENTIAL = "ConfidentialVmEncryptedWithCustomerKey";

/**
 * A missing disk encryption set as a resource of a Bicep file; `{key}` stands for the URL of its
 * key.
 */
export function setInBicep({
  name,
  region,
  confidential,
  tags,
}: {
  readonly name: string;
  readonly region: string;
  readonly confidential: boolean;
  readonly tags?: Readonly<Record<string, string>>;
}): string {
  const tagged = Object.entries(tags ?? {}).map(
    ([key, value]) => `${bicepString(key)}: ${bicepString(value)}`,
  );
  const type = confidential ? `encryptionType: '${CONFIDENTIAL}', ` : "";
  return `resource set 'Microsoft.Compute/diskEncryptionSets@2025-01-02' = { name: ${bicepString(name)}, location: ${bicepString(region)}, ${tagged.length > 0 ? `tags: { ${tagged.join(", ")} }, ` : ""}identity: { type: 'SystemAssigned' }, properties: { ${type}activeKey: { keyUrl: '{key}' } } }`;
}
