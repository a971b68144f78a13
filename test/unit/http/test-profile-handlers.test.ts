import { HttpRequest, InvocationContext } from "@azure/functions";
import { expect, it } from "vitest";
import { createEndpoint } from "../../../src/http/endpoint.js";
import { testProfileHandlers } from "../../../src/http/test-profile-handlers.js";
import { createWorld } from "../../support/world.js";
import { document, validator } from "./contract/document.js";

const SUBSCRIPTION = "00000000-0000-0000-0000-000000000000";
const IMAGE = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "rg",
  galleryName: "g",
  imageName: "it",
};
const PATH = `/api/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/galleries/g/images/it/test-profile`;

it("a profile names only subnets that the gallery policy allows, and nothing is read or stored else", async () => {
  const world = createWorld();
  const { putTestProfile } = testProfileHandlers(
    createEndpoint({
      document,
      validator,
      authenticator: {
        authenticate: () => Promise.resolve({ appId: "a", roles: ["ImageVersions.Admin"] }),
      },
      galleryPolicy: {
        rules: [
          {
            callers: [{ appId: "a" }],
            galleries: [{ subscriptionId: "*" }],
            subnets: [{ subscriptionId: "*", name: "tests" }],
          },
        ],
      },
    }),
    world.deps.testProfiles,
  );
  const subnetOf = (network: string): string =>
    `subscriptions/${SUBSCRIPTION}/resourceGroups/net/providers/Microsoft.Network/virtualNetworks/${network}/subnets/machines`;
  const put = async (...networks: string[]) =>
    putTestProfile(
      new HttpRequest({
        method: "PUT",
        url: `https://sigil.example${PATH}`,
        headers: { "content-type": "application/json" },
        params: IMAGE,
        body: {
          string: JSON.stringify({
            machineSize: "Standard_D2s_v5",
            resourceGroupName: "tests",
            regions: networks.map((network, i) => ({
              name: ["westus", "eastus2"][i],
              subnetId: subnetOf(network),
            })),
            proof: { kind: "agentReady" },
          }),
        },
      }),
      new InvocationContext({
        invocationId: "1",
        functionName: "putTestProfile",
      }),
    );
  const refused = await put("tests", "payments");
  expect(refused).toMatchObject({ status: 403 });
  const { body } = refused as { readonly body: string };
  expect(JSON.parse(body)).toMatchObject({
    code: "Forbidden",
    errors: [{ code: "SubnetNotAllowed", pointer: "/regions/1/subnetId" }],
  });
  const imageId = `/subscriptions/${SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/galleries/g/images/it`;
  expect(await world.deps.testProfiles.profiles.read(imageId)).toBeUndefined();
  expect(await put("tests", "Tests")).not.toMatchObject({ status: 403 });
});
