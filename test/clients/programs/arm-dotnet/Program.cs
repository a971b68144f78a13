// Azure's own SDK for .NET, unmodified, on Azure Resource Manager's path of Sigil: creates, updates and deletes a version.
using System.Text.Json;
using Azure;
using Azure.Core;
using Azure.ResourceManager;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;

static string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException(name);

var subscriptionId = Setting("SIGIL_SUBSCRIPTION");
var token = new AccessToken(Setting("SIGIL_TOKEN"), DateTimeOffset.UtcNow.AddHours(1));
var arm = new ArmClient(
    DelegatedTokenCredential.Create((_, _) => token),
    subscriptionId,
    new ArmClientOptions
    {
        Environment = new ArmEnvironment(new Uri($"{Setting("SIGIL_ORIGIN")}/api"), "https://management.azure.com"),
        Retry = { MaxRetries = 0 },
    });

// Asks again each second: by its own clock the SDK waits for Retry-After.
async Task<T> Done<T>(T operation) where T : Operation
{
    while (!operation.HasCompleted)
    {
        await Task.Delay(TimeSpan.FromSeconds(1));
        await operation.UpdateStatusAsync();
    }
    return operation;
}

var images = GalleryImageResource.CreateResourceIdentifier(subscriptionId, "MyResourceGroup", "MyGallery", "MyImage");
var versions = arm.GetGalleryImageResource(images).GetGalleryImageVersions();
var name = Setting("SIGIL_VERSION");
var data = new GalleryImageVersionData(AzureLocation.WestUS)
{
    // Out of latest, so that its deletion takes no region's latest away.
    PublishingProfile = new GalleryImageVersionPublishingProfile { IsExcludedFromLatest = true },
    StorageProfile = new GalleryImageVersionStorageProfile
    {
        GallerySource = new GalleryArtifactVersionFullSource
        {
            Id = new ResourceIdentifier(
                $"/subscriptions/{subscriptionId}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage"),
        },
    },
};
data.PublishingProfile.TargetRegions.Add(new TargetRegion("westus"));
data.Tags["build"] = "1";

var created = (await Done(await versions.CreateOrUpdateAsync(WaitUntil.Started, name, data))).Value;
data.Tags["build"] = "2";
var updated = (await Done(await versions.CreateOrUpdateAsync(WaitUntil.Started, name, data))).Value;
await Done(await updated.DeleteAsync(WaitUntil.Started));

Console.WriteLine(JsonSerializer.Serialize(new
{
    created = $"{created.Data.Name} {created.Data.ProvisioningState} {created.Data.Tags["build"]}",
    updated = $"{updated.Data.Name} {updated.Data.Tags["build"]}",
    exists = (await versions.ExistsAsync(name)).Value,
}));
