import type { ArmAnswer } from "./arm-request.js";

/*
 * `GET /metadata/endpoints`, which clients read before they have a token: it says where tokens come from.
 *
 * Three shapes, by api-version: `az cloud register` reads 2015-01-01, Azure Stack's; clients that know several clouds read
 * a list of 2019-05-01 and later; Terraform reads the one cloud of 2022-09-01 and later.
 */

const LIST_SINCE = "2018-05-01";
const ONE_CLOUD_SINCE = "2022-09-01";

/** Azure's own; the trailing slash is Azure's, too. */
const AUDIENCES = ["https://management.core.windows.net/", "https://management.azure.com/"];

/** `issuer` is the `iss` of the tokens that are taken, `https://HOST/TENANT/v2.0`; `baseUrl` is the simulator's. */
export function answerMetadata(issuer: string, baseUrl: string, apiVersion: string): ArmAnswer {
  const { origin, pathname } = new URL(issuer);
  if (apiVersion < LIST_SINCE)
    return {
      status: 200,
      body: {
        galleryEndpoint: "https://gallery.azure.com/",
        graphEndpoint: "https://graph.windows.net/",
        portalEndpoint: "https://portal.azure.com/",
        authentication: {
          // "/adfs" keeps MSAL from asking login.microsoftonline.com whether it knows this host.
          loginEndpoint: `${origin}/adfs`,
          audiences: AUDIENCES,
        },
      },
    };
  const cloud = {
    portal: "https://portal.azure.com",
    authentication: {
      loginEndpoint: origin,
      audiences: AUDIENCES,
      tenant: pathname.split("/")[1],
      identityProvider: "AAD",
    },
    graphAudience: "https://graph.windows.net/",
    graph: "https://graph.windows.net/",
    name: "AzureCloud",
    suffixes: {
      acrLoginServer: "azurecr.io",
      keyVaultDns: "vault.azure.net",
      sqlServerHostname: "database.windows.net",
      storage: "core.windows.net",
    },
    batch: "https://batch.core.windows.net/",
    resourceManager: `${baseUrl}/`,
    microsoftGraphResourceId: "https://graph.microsoft.com/",
  };
  return { status: 200, body: apiVersion < ONE_CLOUD_SINCE ? [cloud] : cloud };
}
