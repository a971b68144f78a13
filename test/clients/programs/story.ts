/** What the test tells a program by its environment, and what the program tells it by its output. */
export const origin = setting("SIGIL_ORIGIN");
export const token = setting("SIGIL_TOKEN");
export const versionName = setting("SIGIL_VERSION");
const subscriptionId = setting("SIGIL_SUBSCRIPTION");

export const image = {
  subscriptionId,
  resourceGroupName: "MyResourceGroup",
  galleryName: "MyGallery",
  imageName: "MyImage",
};

export const body = {
  location: "westus",
  properties: {
    publishingProfile: { targetRegions: [{ name: "westus" }] },
    storageProfile: {
      source: {
        id: `/subscriptions/${subscriptionId}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage`,
      },
    },
  },
};

export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

export function tell(story: {
  accepted: string;
  ended: string;
  unchanged: string;
  regions: readonly string[];
  listed: readonly string[];
  refused: string;
}): void {
  console.log(JSON.stringify(story));
}

function setting(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new TypeError(`${name} is not set.`);
  return value;
}
