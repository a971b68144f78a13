import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.ImageVersionsApi;
import org.openapitools.client.api.OperationsApi;
import org.openapitools.client.model.GalleryArtifactVersionFullSource;
import org.openapitools.client.model.GalleryImageVersion;
import org.openapitools.client.model.GalleryImageVersionProperties;
import org.openapitools.client.model.GalleryImageVersionPublishingProfile;
import org.openapitools.client.model.GalleryImageVersionStorageProfile;
import org.openapitools.client.model.ImageVersion;
import org.openapitools.client.model.ImageVersionList;
import org.openapitools.client.model.Operation;
import org.openapitools.client.model.OperationStatus;
import org.openapitools.client.model.TargetRegion;

/** Does with the client that OpenAPI Generator writes for Java what the programs beside this one do with theirs. */
public final class Story {
  private static final String RESOURCE_GROUP = "MyResourceGroup";
  private static final String GALLERY = "MyGallery";
  private static final String IMAGE = "MyImage";

  public static void main(String[] arguments) throws Exception {
    String subscription = setting("SIGIL_SUBSCRIPTION");
    String name = setting("SIGIL_VERSION");
    URI origin = URI.create(setting("SIGIL_ORIGIN"));
    String authorization = "Bearer " + setting("SIGIL_TOKEN");
    ApiClient client = new ApiClient()
      .setScheme(origin.getScheme())
      .setHost(origin.getHost())
      .setPort(origin.getPort())
      .setBasePath("/api")
      .setRequestInterceptor(request -> request.header("Authorization", authorization));
    ImageVersionsApi imageVersions = new ImageVersionsApi(client);
    OperationsApi operations = new OperationsApi(client);

    GalleryImageVersion body = new GalleryImageVersion()
      .location("westus")
      .properties(new GalleryImageVersionProperties()
        .publishingProfile(new GalleryImageVersionPublishingProfile()
          .targetRegions(List.of(new TargetRegion().name("westus"))))
        .storageProfile(new GalleryImageVersionStorageProfile()
          .source(new GalleryArtifactVersionFullSource()
            .id("/subscriptions/" + subscription + "/resourceGroups/" + RESOURCE_GROUP
              + "/providers/Microsoft.Compute/images/myImage"))));

    Operation accepted = imageVersions.putImageVersion(
      subscription, RESOURCE_GROUP, GALLERY, IMAGE, name, body, null, null, null, null, null, null, null);

    Operation operation = accepted;
    while (operation.getStatus() == OperationStatus.NOTSTARTED
        || operation.getStatus() == OperationStatus.RUNNING) {
      Thread.sleep(100);
      operation = operations.getOperation(operation.getId(), null, null, null);
    }

    Operation unchanged = imageVersions.patchImageVersion(
      subscription, RESOURCE_GROUP, GALLERY, IMAGE, name, Map.of(), null, null, null, null, null, null);
    ImageVersion version =
      imageVersions.getImageVersion(subscription, RESOURCE_GROUP, GALLERY, IMAGE, name);
    ImageVersionList versions =
      imageVersions.listImageVersions(subscription, RESOURCE_GROUP, GALLERY, IMAGE, 100, null);
    String problem;
    try {
      imageVersions.putImageVersion(
        subscription, RESOURCE_GROUP, GALLERY, IMAGE, "1.0", body, null, null, null, null, null, null, null);
      throw new IllegalStateException("accepted");
    } catch (ApiException error) {
      problem = error.getResponseBody();
    }

    // Not read as the generated `Problem`: that is a map as well, and Jackson leaves the properties of maps empty.
    System.out.println(client.getObjectMapper().writeValueAsString(Map.of(
      "accepted", accepted.getKind(),
      "ended", operation.getStatus(),
      "unchanged", unchanged.getStatus(),
      "regions", version.getSigil().getRegions().stream()
        .map(region -> region.getName() + " " + region.getState()).collect(Collectors.toList()),
      "listed", versions.getValue().stream()
        .map(ImageVersion::getName).collect(Collectors.toList()),
      "refused", client.getObjectMapper().readTree(problem).at("/errors/0/pointer").asText())));
  }

  private static String setting(String name) {
    String value = System.getenv(name);
    if (value == null) throw new IllegalArgumentException(name + " is not set.");
    return value;
  }
}
