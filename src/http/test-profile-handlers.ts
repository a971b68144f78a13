import type { HttpHandler } from "@azure/functions";
import { isSufficient } from "../authorization/roles.js";
import type { Principal } from "../authorization/authentication.js";
import type { TestProfileDependencies } from "../machine-test/profile-ports.js";
import { putTestProfile } from "../machine-test/put-test-profile.js";
import {
  deleteTestProfile,
  getTestProfile,
  viewTestProfile,
} from "../machine-test/test-profile.js";
import { imageIdOf, normaliseResourceId } from "../resource-id.js";
import { requesterOf } from "./accepted.js";
import type { Endpoint } from "./endpoint.js";

type Names = "getTestProfile" | "putTestProfile" | "deleteTestProfile";

export function testProfileHandlers(
  endpoint: Endpoint,
  deps: TestProfileDependencies,
): Readonly<Record<Names, HttpHandler>> {
  return {
    getTestProfile: endpoint("getTestProfile", async ({ path, principal }) => ({
      status: 200 as const,
      body: viewTestProfile(await getTestProfile(deps, imageIdOf(path)), isAdmin(principal)),
    })),

    putTestProfile: endpoint("putTestProfile", async ({ path, body, principal, requireMayUse }) => {
      requireMayUse(
        path,
        body.regions.map(({ subnetId }, i) => ({
          kind: "subnets",
          pointer: `/regions/${i}/subnetId`,
          id: normaliseResourceId(subnetId),
        })),
      );
      const { profile, warnings } = await putTestProfile(deps, {
        imageId: imageIdOf(path),
        body,
        setBy: requesterOf(principal),
      });
      return {
        status: 200 as const,
        body: {
          profile: viewTestProfile(profile, true),
          findings: [...warnings],
        },
      };
    }),

    deleteTestProfile: endpoint("deleteTestProfile", async ({ path }) => ({
      status: 200 as const,
      body: viewTestProfile(await deleteTestProfile(deps, imageIdOf(path)), true),
    })),
  };
}

function isAdmin(principal: Principal | undefined): boolean {
  return isSufficient(principal?.roles ?? [], "ImageVersions.Admin");
}
