import { ArmError } from "./arm-error.js";
import { offeredRegions } from "./regions.js";
import type { Store } from "./store.js";
import type { Registration, RegistrationState, SubscriptionState } from "./state.js";

/*
 * Provider and feature registration:
 *
 *   NotRegistered, Unregistering, Unregistered -POST register-> Registering -clock-> Registered
 *   the same, a feature that needs approval    -POST register-> Pending, until it is set
 *   Registered, set to Unregistering           -clock-> Unregistered
 *
 * Registering what is Pending, Registering or Registered changes nothing.
 */

const API_VERSIONS = ["2026-03-03", "2025-12-03"];

/** "Subscriptions need to be enrolled for Confidential VM with data encryption through following AFEC" (ConfidentialVMEncryptionType). */
export const CONFIDENTIAL_DATA_DISKS_FEATURE =
  "Microsoft.Compute/ConfidentialVMDataDiskEncryptionPreview";
const RESOURCE_TYPES = [
  "galleries",
  "galleries/images",
  "galleries/images/versions",
  "diskEncryptionSets",
  "disks",
  "snapshots",
  "images",
  "virtualMachines",
];
const FEATURE_TYPE = "Microsoft.Features/providers/features";

/**
 * The state after setting or requesting `state`: one that takes time ends when the subscription's
 * registrations do.
 */
export function beginRegistration(
  state: RegistrationState,
  { registrationMs }: SubscriptionState,
  nowMs: number,
): Registration {
  return state === "Registering" || state === "Unregistering"
    ? { state, settlesAtMs: nowMs + registrationMs }
    : { state };
}

/** The state by the clock: a registration whose time has come is done. */
export function settleRegistration(
  registration: Registration | undefined,
  nowMs: number,
): RegistrationState {
  if (registration === undefined) return "NotRegistered";
  if (registration.settlesAtMs !== undefined && registration.settlesAtMs <= nowMs) {
    registration.state = registration.state === "Registering" ? "Registered" : "Unregistered";
    delete registration.settlesAtMs;
  }
  return registration.state;
}

export function getProvider(store: Store, subscriptionId: string, namespace: string) {
  const subscription = store.subscription(subscriptionId);
  const known = namespace.toLowerCase();
  const registration = subscription.providers[known];
  if (registration === undefined)
    throw new ArmError(
      404,
      "InvalidResourceNamespace",
      `The resource namespace '${namespace}' is invalid.`,
    );
  return {
    id: `/subscriptions/${subscription.subscriptionId}/providers/${spellNamespace(known)}`,
    namespace: spellNamespace(known),
    registrationPolicy: "RegistrationRequired",
    registrationState: settleRegistration(registration, store.now()),
    resourceTypes: resourceTypes(known, subscription),
  };
}

export async function registerProvider(store: Store, subscriptionId: string, namespace: string) {
  const { registrationState } = getProvider(store, subscriptionId, namespace);
  const subscription = store.subscription(subscriptionId);
  if (!isUnderWay(registrationState))
    subscription.providers[namespace.toLowerCase()] = beginRegistration(
      "Registering",
      subscription,
      store.now(),
    );
  await store.commit();
  return getProvider(store, subscriptionId, namespace);
}

export function getFeature(
  store: Store,
  subscriptionId: string,
  namespace: string,
  feature: string,
) {
  const subscription = store.subscription(subscriptionId);
  const known = `${namespace}/${feature}`.toLowerCase();
  const registration = subscription.features[known];
  if (registration === undefined)
    throw new ArmError(404, "FeatureNotFound", `The feature '${feature}' could not be found.`);
  const name = `${spellNamespace(namespace.toLowerCase())}/${spellFeature(feature)}`;
  return {
    properties: { state: settleRegistration(registration, store.now()) },
    id: `/subscriptions/${subscription.subscriptionId}/providers/Microsoft.Features/providers/${name.replace("/", "/features/")}`,
    type: FEATURE_TYPE,
    name,
  };
}

export async function registerFeature(
  store: Store,
  subscriptionId: string,
  namespace: string,
  feature: string,
) {
  const { properties } = getFeature(store, subscriptionId, namespace, feature);
  const subscription = store.subscription(subscriptionId);
  const known = `${namespace}/${feature}`.toLowerCase();
  const needsApproval = subscription.approvalRequired.some((name) => name.toLowerCase() === known);
  if (!isUnderWay(properties.state))
    subscription.features[known] = beginRegistration(
      needsApproval ? "Pending" : "Registering",
      subscription,
      store.now(),
    );
  await store.commit();
  return getFeature(store, subscriptionId, namespace, feature);
}

/** 409 MissingSubscriptionRegistration, as ARM answers a write to a provider that is not registered. */
export function requireProvider(store: Store, subscriptionId: string): void {
  const { providers } = store.subscription(subscriptionId);
  const state = settleRegistration(providers["microsoft.compute"], store.now());
  if (state === "Registered") return;
  const message =
    "The subscription is not registered to use namespace 'Microsoft.Compute'. See https://aka.ms/rps-not-found for how to register subscriptions.";
  throw new ArmError(409, "MissingSubscriptionRegistration", message, {
    details: [
      {
        code: "MissingSubscriptionRegistration",
        target: "Microsoft.Compute",
        message,
      },
    ],
  });
}

/** Refuses own keys while a feature that the subscription needs for them is not registered. */
export function requireFeatures(store: Store, subscriptionId: string): void {
  for (const feature of store.subscription(subscriptionId).requiredFeatures)
    requireFeature(
      store,
      subscriptionId,
      feature,
      "encryption of gallery image versions with customer-managed keys",
    );
}

/** `what` completes "which … needs". */
export function requireFeature(
  store: Store,
  subscriptionId: string,
  feature: string,
  what: string,
): void {
  const subscription = store.subscription(subscriptionId);
  const registration = subscription.features[feature.toLowerCase()];
  if (settleRegistration(registration, store.now()) === "Registered") return;
  throw new ArmError(
    400,
    "SubscriptionNotRegisteredForFeature",
    `Subscription ${subscription.subscriptionId} is not registered for feature ${feature}, which ${what} needs.`,
    { target: feature },
  );
}

function isUnderWay(state: RegistrationState): boolean {
  return ["Pending", "Registering", "Registered"].includes(state);
}

/** The types that plans read, each in every region the subscription is offered. */
function resourceTypes(namespace: string, subscription: SubscriptionState) {
  if (namespace !== "microsoft.compute") return [];
  const locations = offeredRegions(subscription).map(({ displayName }) => displayName);
  return RESOURCE_TYPES.map((resourceType) => ({
    resourceType,
    locations,
    apiVersions: API_VERSIONS,
  }));
}

function spellNamespace(lowerCase: string): string {
  const known = [
    "Microsoft.Compute",
    "Microsoft.KeyVault",
    "Microsoft.Storage",
    "Microsoft.Network",
  ];
  return known.find((name) => name.toLowerCase() === lowerCase) ?? lowerCase;
}

function spellFeature(name: string): string {
  const known = ["SIGEncryption", "SIGSoftDelete", "ConfidentialVMDataDiskEncryptionPreview"];
  return known.find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
}
