import type { HttpHandler } from "@azure/functions";
import type { components } from "../generated/openapi.js";
import type { Freeze, Freezes } from "../gate/freezes.js";
import { requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

type Names = "listFreezes" | "putFreeze" | "deleteFreeze";

export function freezeHandlers(
  endpoint: Endpoint,
  freezes: Freezes,
): Readonly<Record<Names, HttpHandler>> {
  return {
    listFreezes: endpoint("listFreezes", async () => ({
      status: 200 as const,
      body: { value: (await freezes.list()).map(viewFreeze) },
    })),

    putFreeze: endpoint("putFreeze", async ({ path: { freezeName }, body, principal }) => ({
      status: 200 as const,
      body: viewFreeze(await freezes.put({ ...body, name: freezeName }, requesterOf(principal))),
    })),

    deleteFreeze: endpoint("deleteFreeze", async ({ path: { freezeName } }) => ({
      status: 200 as const,
      body: viewFreeze(await freezes.remove(freezeName)),
    })),
  };
}

function viewFreeze({ images, regions, ...freeze }: Freeze): components["schemas"]["Freeze"] {
  return { ...freeze, images: [...images], ...(regions && { regions: [...regions] }) };
}
