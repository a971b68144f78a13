import { PLAIN, type Case } from "./case.js";
import { seedResource } from "../../../support/requests.js";
import { HOME, regionWith, seedSet, type Trial } from "../../../support/trial.js";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";

type RegistrationState = "NotRegistered" | "Registering" | "Registered";

async function register(trial: Trial, state: RegistrationState): Promise<void> {
  const set = (to: RegistrationState) =>
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
    trial.control.setUnavailableRegions({ subscriptionId: LOCAL_SUBSCRIPTION_ID, regions });
  await trial.change(
    () => set([region]),
    () => set([]),
  );
}

const deniedRead = (type: string, scope: string) => ({
  action: `Microsoft.Compute/${type}/read`,
  scope,
});

async function deny(trial: Trial, type: string, scope: string): Promise<void> {
  const denial = deniedRead(type, scope);
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
    mended: async (t) => {
      await register(t, "Registered");
      return t.ask();
    },
  },
  {
    name: "a subscription whose provider is being registered",
    ask: async (t) => {
      await register(t, "Registering");
      return t.ask();
    },
    codes: ["ProviderNotRegistered"],
    mended: async (t) => {
      await register(t, "Registered");
      return t.ask();
    },
  },
  {
    name: "a region that the subscription is not offered",
    ask: async (t) => {
      await withhold(t, "eastus2");
      return t.ask({ regions: PLAIN });
    },
    codes: ["RegionNotOffered"],
    mended: (t) => t.ask({ regions: [{ name: HOME }] }),
  },
  {
    name: "a location that the subscription is not offered",
    ask: async (t) => {
      await withhold(t, HOME);
      return t.ask({ regions: [{ name: HOME }] });
    },
    codes: ["RegionNotOffered"],
    mended: async (t) => {
      const id = await t.put(t.of.managedImage(t.name("there"), "eastus2", []));
      return t.ask({
        location: "eastus2",
        regions: [{ name: "eastus2" }],
        storage: { source: { id } },
      });
    },
  },
  {
    name: "a set that Sigil's identity may not see",
    ask: async (t) => {
      await deny(t, "diskEncryptionSets", seedSet("EastUS2"));
      return t.ask({
        regions: [
          regionWith(HOME, seedSet("WestUS"), { 0: seedSet("WestUS") }),
          regionWith("eastus2", seedSet("EastUS2"), { 0: seedSet("EastUS2") }),
        ],
      });
    },
    codes: ["InsufficientPermission"],
    mended: async (t) => {
      await t.control.allowAction(deniedRead("diskEncryptionSets", seedSet("EastUS2")));
      return t.ask();
    },
  },
  {
    name: "a source that Sigil's identity may not see",
    ask: async (t) => {
      await deny(t, "images", seedResource("images/myImage"));
      return t.ask({ regions: PLAIN });
    },
    codes: ["InsufficientPermission"],
    mended: async (t) => {
      await t.control.allowAction(deniedRead("images", seedResource("images/myImage")));
      return t.ask();
    },
  },
  {
    name: "a region that is none",
    ask: (t) => t.ask({ regions: [{ name: HOME }, { name: "atlantis" }] }),
    codes: ["RegionNotOffered"],
    mended: (t) => t.ask({ regions: PLAIN }),
  },
];
