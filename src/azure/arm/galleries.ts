import { ServiceError } from "../../errors.js";
import type { ListedGallery } from "../../image-version/ports.js";
import { canonicalRegion } from "../../resource-id.js";
import type { ArmClient } from "./client.js";
import { GALLERIES_API_VERSION, readPages } from "./pages.js";
import { subscriptionScope } from "./subscriptions.js";

const SUBSCRIPTIONS_API_VERSION = "2022-12-01";

/** The galleries of every subscription that ARM shows the identity, with one list request each. */
export async function listGalleries(arm: ArmClient): Promise<readonly ListedGallery[]> {
  const subscriptions = await readPages<{ readonly subscriptionId?: string }>(arm, {
    what: "the list of subscriptions",
    action: "Microsoft.Resources/subscriptions/read",
    scope: "/",
    path: "/subscriptions",
    apiVersion: SUBSCRIPTIONS_API_VERSION,
  });
  const lists = await Promise.all(
    (subscriptions ?? []).map(({ subscriptionId = "" }) =>
      galleriesIn(arm, subscriptionId).catch(refusalIn),
    ),
  );
  // One refused subscription is normal: Sigil may see only the machines there. If all refuse,
  // something is wrong.
  const allowed = lists.flatMap((list) => (list instanceof ServiceError ? [] : [list]));
  const [refused] = lists;
  if (allowed.length === 0 && refused instanceof ServiceError) throw refused;
  return allowed.flat();
}

async function galleriesIn(
  arm: ArmClient,
  subscriptionId: string,
): Promise<readonly ListedGallery[]> {
  const scope = subscriptionScope(subscriptionId);
  const galleries = await readPages<WireGallery>(arm, {
    what: `the list of galleries of subscription ${subscriptionId}`,
    action: "Microsoft.Compute/galleries/read",
    scope,
    path: `${scope}/providers/Microsoft.Compute/galleries`,
    apiVersion: GALLERIES_API_VERSION,
  });
  return (galleries ?? []).flatMap(({ id, name, location, properties }) => {
    const description = properties?.description;
    return id === undefined || name === undefined
      ? []
      : [
          {
            id,
            name,
            region: canonicalRegion(location ?? ""),
            ...(description && { description }),
          },
        ];
  });
}

interface WireGallery {
  readonly id?: string;
  readonly name?: string;
  readonly location?: string;
  readonly properties?: { readonly description?: string | null };
}

/** Returns a refusal; throws any other error. */
function refusalIn(error: unknown): ServiceError {
  if (error instanceof ServiceError && error.code === "ResourceManagerForbidden") return error;
  throw error;
}
