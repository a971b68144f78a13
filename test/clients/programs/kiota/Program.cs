// Does with the client that Kiota writes for .NET what the programs beside this one do with theirs.
using System.Text.Json;
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Sigil.Client;
using Sigil.Client.Models;

static string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException(name);

var subscriptionId = Setting("SIGIL_SUBSCRIPTION");
var name = Setting("SIGIL_VERSION");
var token = new ApiKeyAuthenticationProvider(
    $"Bearer {Setting("SIGIL_TOKEN")}", "Authorization", ApiKeyAuthenticationProvider.KeyLocation.Header);
var sigil = new SigilClient(new HttpClientRequestAdapter(token) { BaseUrl = $"{Setting("SIGIL_ORIGIN")}/api" });
var versions = sigil.Subscriptions[subscriptionId].ResourceGroups["MyResourceGroup"]
    .Galleries["MyGallery"].Images["MyImage"].Versions;

var body = new GalleryImageVersion
{
    Location = "westus",
    Properties = new GalleryImageVersionProperties
    {
        PublishingProfile = new GalleryImageVersionPublishingProfile { TargetRegions = [new TargetRegion { Name = "westus" }] },
        StorageProfile = new GalleryImageVersionStorageProfile
        {
            Source = new GalleryArtifactVersionFullSource
            {
                Id = $"/subscriptions/{subscriptionId}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage",
            },
        },
    },
};

var accepted = await versions[name].PutAsync(body);
var operation = accepted;
while (operation?.Status is OperationStatus.NotStarted or OperationStatus.Running)
{
    await Task.Delay(TimeSpan.FromSeconds(1));
    operation = await sigil.Operations[operation.Id!].GetAsync();
}

var unchanged = await versions[name].PatchAsync(new GalleryImageVersionPatch());
var version = await versions[name].GetAsync();
var list = await versions.GetAsync(request => request.QueryParameters.Top = 100);
string? refused;
try
{
    await versions["1.0"].PutAsync(body);
    refused = "accepted";
}
catch (Problem problem)
{
    refused = problem.Errors?[0].Pointer;
}

Console.WriteLine(JsonSerializer.Serialize(new
{
    accepted = accepted?.Kind,
    ended = operation?.Status.ToString(),
    unchanged = unchanged?.Status.ToString(),
    regions = version?.Sigil?.Regions?.Select(region => $"{region.Name} {region.State}"),
    listed = list?.Value?.Select(each => each.Name),
    refused,
}));
