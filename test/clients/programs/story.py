"""Does with the client that OpenAPI Generator writes for Python what the programs beside this one do with theirs."""

import json
import os
import time

from sigil_client import ApiClient, ApiException, Configuration
from sigil_client.api.image_versions_api import ImageVersionsApi
from sigil_client.api.operations_api import OperationsApi
from sigil_client.models import (
    GalleryArtifactVersionFullSource,
    GalleryImageVersion,
    GalleryImageVersionProperties,
    GalleryImageVersionPublishingProfile,
    GalleryImageVersionStorageProfile,
    TargetRegion,
)

subscription_id = os.environ["SIGIL_SUBSCRIPTION"]
version_name = os.environ["SIGIL_VERSION"]
image = (subscription_id, "MyResourceGroup", "MyGallery", "MyImage")

body = GalleryImageVersion(
    location="westus",
    properties=GalleryImageVersionProperties(
        publishing_profile=GalleryImageVersionPublishingProfile(
            target_regions=[TargetRegion(name="westus")]
        ),
        storage_profile=GalleryImageVersionStorageProfile(
            source=GalleryArtifactVersionFullSource(
                id=f"/subscriptions/{subscription_id}/resourceGroups/MyResourceGroup/providers/Microsoft.Compute/images/myImage"
            )
        ),
    ),
)


def api_client(client_side_validation=True):
    configuration = Configuration(host=os.environ["SIGIL_ORIGIN"] + "/api")
    configuration.access_token = os.environ["SIGIL_TOKEN"]
    configuration.client_side_validation = client_side_validation
    return ApiClient(configuration)


client = api_client()
image_versions = ImageVersionsApi(client)
operations = OperationsApi(client)

accepted = image_versions.put_image_version(*image, version_name, body)

operation = accepted
while operation.status in ("NotStarted", "Running"):
    time.sleep(0.1)
    operation = operations.get_operation(operation.id)

unchanged = image_versions.patch_image_version(*image, version_name, {})
version = image_versions.get_image_version(*image, version_name)
versions = image_versions.list_image_versions(*image, top=100)
try:
    # The client itself refuses this one, unless it is told to let the service do that.
    unchecked = ImageVersionsApi(api_client(client_side_validation=False))
    unchecked.put_image_version(*image, "1.0", body)
    raise SystemExit("accepted")
except ApiException as error:
    refused = json.loads(error.body)["errors"][0]["pointer"]

print(
    json.dumps(
        {
            "accepted": accepted.kind,
            "ended": operation.status,
            "unchanged": unchanged.status,
            "regions": [" ".join((r.name, r.state)) for r in version.sigil.regions],
            "listed": [v.name for v in versions.value],
            "refused": refused,
        }
    )
)
