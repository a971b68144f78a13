// Does with the client that NSwag writes for .NET what the programs beside this one do with theirs.
using System.Net.Http.Headers;
using System.Text.Json;
using Sigil.Client;

static string Setting(string name) => Environment.GetEnvironmentVariable(name) ?? throw new InvalidOperationException(name);

var subscriptionId = Setting("SIGIL_SUBSCRIPTION");
var name = Setting("SIGIL_VERSION");
using var http = new HttpClient();
http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Setting("SIGIL_TOKEN"));
var sigil = new SigilClient(http) { BaseUrl = $"{Setting("SIGIL_ORIGIN")}/api" };
const string Group = "MyResourceGroup", Gallery = "MyGallery", Image = "MyImage";

var region = new TargetRegion { Name = "westus" };
var publishing = new GalleryImageVersionPublishingProfile { TargetRegions = [region] };
var body = new GalleryImageVersion
{
    Location = "westus",
    Properties = new GalleryImageVersionProperties
    {
        PublishingProfile = publishing,
        StorageProfile = new GalleryImageVersionStorageProfile
        {
            Source = new GalleryArtifactVersionFullSource
            {
                Id = $"/subscriptions/{subscriptionId}/resourceGroups/{Group}/providers/Microsoft.Compute/images/myImage",
            },
        },
    },
};

Task<Operation> Put(string version) => sigil.PutImageVersionAsync(
    idempotency_Key: null, plan: null, removeRegions: null, ignoreUse: null, allowNoLatest: null, if_Match: null,
    if_None_Match: null, body, subscriptionId, Group, Gallery, Image, version);

// By default its clients send 0 for a number that is not set. That is told, and where.
var unset = "accepted";
try
{
    await Put(name);
}
catch (ApiException<Problem> problem)
{
    unset = string.Join(' ', problem.Result.Errors.Select(error => $"{error.Code} {error.Pointer}"));
}
if (unset != "NotInRange /properties/publishingProfile/targetRegions/0/regionalReplicaCount NotInRange /properties/publishingProfile/replicaCount")
    throw new InvalidOperationException(unset);
region.RegionalReplicaCount = publishing.ReplicaCount = 1;

var accepted = await Put(name);
var operation = accepted;
while (operation.Status is OperationStatus.NotStarted or OperationStatus.Running)
{
    await Task.Delay(TimeSpan.FromSeconds(1));
    operation = await sigil.GetOperationAsync(expand: null, api_version: null, wait: null, operation.Id);
}

var unchanged = await sigil.PatchImageVersionAsync(
    idempotency_Key: null, plan: null, removeRegions: null, ignoreUse: null, allowNoLatest: null, if_Match: null,
    new GalleryImageVersionPatch(), subscriptionId, Group, Gallery, Image, name);
var version = await sigil.GetImageVersionAsync(expand: null, refresh: null, fresh: null, subscriptionId, Group, Gallery, Image, name);
var list = await sigil.ListImageVersionsAsync(top: 100, continuationToken: null, subscriptionId, Group, Gallery, Image);
var refused = "accepted";
try
{
    await Put("1.0");
}
catch (ApiException<Problem> problem)
{
    refused = problem.Result.Errors.First().Pointer;
}

Console.WriteLine(JsonSerializer.Serialize(new
{
    accepted = accepted.Kind,
    ended = operation.Status.ToString(),
    unchanged = unchanged.Status.ToString(),
    regions = version.Sigil.Regions.Select(each => $"{each.Name} {each.State}"),
    listed = list.Value.Select(each => each.Name),
    refused,
}));
