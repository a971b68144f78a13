import { PLAIN, type Case } from "./case.js";
import { seedResource } from "../../../support/requests.js";
import { HOME, regionWith, seedSet, type Trial } from "../../../support/trial.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";

async function register(trial: Trial, state: "NotRegistered" | "Registering"): Promise<void> {
  const set = (to: typeof state | "Registered") =>
    trial.control.setRegistrationState({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      namespace: "Microsoft.Compute",
      state: to,
    });
  await trial.change(
    () => set(state),
    () => set("Registered"),
  );
}

async function withhold(trial: Trial, region: string): Promise<void> {
  const set = (regions: readonly string[]) =>
    trial.control.setUnavailableRegions({
      subscriptionId: LOCAL_SUBSCRIPTION_ID,
      regions,
    });
  await trial.change(
    () => set([region]),
    () => set([]),
  );
}

async function deny(trial: Trial, action: string, scope: string): Promise<void> {
  const denial = { action, scope };
  await trial.change(
    () => trial.control.denyAction(denial),
    () => trial.control.allowAction(denial),
  );
}

export const SUBSCRIPTIONS: readonly Case[] = [
  {
    name: "a subscription without the provider",
    ask: async (t) => {
      await register(t, "NotRegistered");
      return t.ask();
    },
    codes: ["ProviderNotRegistered"],
  },
  {
    name: "a subscription whose provider is being registered",
    ask: async (t) => {
      await register(t, "Registering");
      return t.ask();
    },
    codes: ["ProviderNotRegistered"],
  },
  {
    name: "a region that the subscription is not offered",
    ask: async (t) => {
      await withhold(t, "eastus2");
      return t.ask({ regions: PLAIN });
    },
    codes: ["RegionNotOffered"],
  },
  {
    name: "a location that the subscription is not offered",
    ask: async (t) => {
      await withhold(t, HOME);
      return t.ask({ regions: [{ name: HOME }] });
    },
    codes: ["RegionNotOffered"],
  },
  {
    name: "a set that Sigil's identity may not see",
    ask: async (t) => {
      await deny(t, "Microsoft.Compute/diskEncryptionSets/read", seedSet("EastUS2"));
      return t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS"), { 0: seedSet("WestUS") }),
          regionWith("eastus2", seedSet("EastUS2"), { 0: seedSet("EastUS2") }),
        ],
      });
    },
    codes: ["InsufficientPermission"],
  },
  {
    name: "a source that Sigil's identity may not see",
    ask: async (t) => {
      await deny(t, "Microsoft.Compute/images/read", seedResource("images/myImage"));
      return t.ask({ regions: PLAIN });
    },
    codes: ["InsufficientPermission"],
  },
  {
    name: "a region that is none",
    ask: (t) => t.ask({ regions: [{ name: HOME }, { name: "atlantis" }] }),
    codes: ["RegionNotOffered"],
  },
];
