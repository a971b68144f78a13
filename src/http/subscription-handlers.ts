import type { HttpHandler } from "@azure/functions";
import { listDiskEncryptionSets, type ResourceReader } from "../image-version/index.js";
import { getPreparation } from "../subscription/get-preparation.js";
import type { PreparationDependencies } from "../subscription/ports.js";
import { prepareSubscription } from "../subscription/prepare-subscription.js";
import { accepted, askedIn } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";
import { viewPage } from "./paging.js";

type Names = "prepareSubscription" | "getSubscriptionPreparation" | "listDiskEncryptionSets";

export function subscriptionHandlers(
  endpoint: Endpoint,
  deps: PreparationDependencies,
  resources: ResourceReader,
): Readonly<Record<Names, HttpHandler>> {
  return {
    prepareSubscription: endpoint("prepareSubscription", async (request) =>
      accepted(
        deps,
        await prepareSubscription(deps, {
          ...askedIn(request),
          subscriptionId: request.path.subscriptionId,
        }),
        request.requestUrl,
      ),
    ),

    getSubscriptionPreparation: endpoint("getSubscriptionPreparation", async ({ path }) => {
      const { registrations, ...preparation } = await getPreparation(deps, path.subscriptionId);
      return {
        status: 200 as const,
        body: { ...preparation, registrations: [...registrations] },
      };
    }),

    listDiskEncryptionSets: endpoint("listDiskEncryptionSets", async (request) => ({
      status: 200 as const,
      body: await viewPage(
        request,
        (token) =>
          listDiskEncryptionSets(
            resources,
            request.path.subscriptionId,
            request.query.region,
            token,
          ),
        (set) => set,
      ),
    })),
  };
}
