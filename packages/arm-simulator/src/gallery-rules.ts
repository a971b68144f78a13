import {
  ArmError,
  conflict,
  invalidParameter,
  invalidRequestContent,
  propertyChangeNotAllowed,
} from "./arm-error.js";
import type { DefinitionProperties } from "./image-definition.js";
import { isObject } from "./json-shape.js";
import { parentId, parseComputeId, resourceKey } from "./resource-id.js";
import { requireFeature } from "./registrations.js";
import { SOFT_DELETE_FEATURE, softDeletePolicyOf } from "./soft-delete.js";
import type { ArmResource } from "./state.js";
import type { Store } from "./store.js";

/*
 * Requests that Compute refuses for galleries and image definitions. The messages are from
 * Microsoft's "Troubleshoot images in an Azure Compute Gallery". That page has no codes:
 * OperationNotAllowed, InvalidResourceLocation and the names' InvalidParameter are reported by
 * users, the others are guesses.
 */

/** Throws for a PUT or PATCH of a gallery or an image definition that Compute refuses; any other resource passes. */
export function validateGalleryResource(
  store: Store,
  after: ArmResource,
  before: ArmResource | undefined,
): void {
  const type = parseComputeId(after.id)?.type.toLowerCase();
  if (type === "galleries") validateGallery(store, after);
  if (type === "galleries/images") validateImageDefinition(store, after, before);
}

function validateGallery(store: Store, gallery: ArmResource): void {
  const { id, name } = gallery;
  validateEnd(name, name, /[._]$/u);
  if (!/^[a-z0-9][\w.]{0,79}$/iu.test(name))
    throw invalidParameter(
      "galleryName",
      "Gallery name is invalid. Allowed characters are English alphanumeric characters, with underscores, and periods allowed in the middle, up to 80 characters total. All other special characters, including dashes, are disallowed.",
    );
  const subscriptionId = parseComputeId(id)?.subscriptionId ?? "";
  const twin = store
    .listResources(`/subscriptions/${subscriptionId}`, "galleries")
    .some(
      (other) =>
        other.name.toLowerCase() === name.toLowerCase() &&
        resourceKey(other.id) !== resourceKey(id),
    );
  if (twin)
    throw conflict(
      `The gallery name '${name}' is not unique within the subscription '${subscriptionId}'. Please pick another gallery name.`,
    );
  if (softDeletePolicyOf(gallery) !== undefined)
    requireFeature(store, subscriptionId, SOFT_DELETE_FEATURE, "soft deletion in a gallery");
}

const REQUIRED = ["osType", "osState", "identifier"] as const;

/** With what each is where the body does not say. */
const IMMUTABLE = {
  osType: undefined,
  osState: undefined,
  hyperVGeneration: "V1",
  architecture: "x64",
  features: [],
} as const;

const IDENTIFIER = { publisher: 128, offer: 64, sku: 64 } as const;

function validateImageDefinition(
  store: Store,
  after: ArmResource,
  before: ArmResource | undefined,
): void {
  validateEnd(after.name, galleryAndName(after.id), /\.$/u);
  if (!/^[^_\W][\w\-.]{0,79}(?<![-.])$/u.test(after.name))
    throw invalidParameter(
      "galleryImageName",
      `The entity name '${after.name}' is invalid according to its validation rule: ^[^_\\W][\\w-._]{0,79}(?<![-.])$.`,
    );
  const properties: Record<string, unknown> = after.properties ?? {};
  for (const name of REQUIRED)
    if ((properties[name] ?? undefined) === undefined)
      throw invalidParameter(
        pathOf(name),
        `Required parameter '${pathOf(name)}' is missing (null).`,
      );
  validateIdentifier(properties["identifier"]);
  if (before !== undefined) validateUnchanged(before, properties);
  validateUnique(store, after);
  validateEndOfLife(store, properties["endOfLifeDate"]);
  for (const name of ["vCPUs", "memory"]) validateRange(properties, name);
}

function validateIdentifier(identifier: unknown): void {
  const given = isObject(identifier) ? identifier : {};
  for (const [name, most] of Object.entries(IDENTIFIER)) {
    const value = given[name];
    if (typeof value !== "string" || value.length > most || !/^[\w.-]*[\w-]$/u.test(value))
      throw invalidParameter(
        pathOf(`identifier.${name}`),
        `Asset name ${pathOf(`identifier.${name}`)} is not valid. It cannot be empty. Allowed characters are uppercase or lowercase letters, digits, hyphen(-), period (.), underscore (_). Names are not allowed to end with period(.). The length of the name cannot exceed ${most} characters.`,
      );
  }
}

function validateUnchanged(before: ArmResource, after: Readonly<Record<string, unknown>>): void {
  const had = before.properties ?? {};
  for (const [name, otherwise] of Object.entries(IMMUTABLE))
    if (textOf(had[name] ?? otherwise) !== textOf(after[name] ?? otherwise))
      throw propertyChangeNotAllowed(pathOf(name));
  const was = had["identifier"] as Record<string, unknown> | undefined;
  const is = after["identifier"] as Record<string, unknown>;
  for (const name of Object.keys(IDENTIFIER))
    if (was?.[name] !== is[name]) throw propertyChangeNotAllowed(pathOf(`identifier.${name}`));
}

/** Features in any order are the same; enumeration values in any case. */
function textOf(value: unknown): string {
  return Array.isArray(value)
    ? (value as NonNullable<DefinitionProperties["features"]>)
        .map(({ name, value }) => `${name}=${value}`.toLowerCase())
        .sort()
        .join()
    : String(value).toLowerCase();
}

function validateUnique(store: Store, { id, name, properties }: ArmResource) {
  const identify = (resource: Pick<ArmResource, "properties">): string => {
    const { publisher, offer, sku } = (resource.properties?.["identifier"] ?? {}) as Record<
      string,
      string
    >;
    return `(publisher:${publisher}, offer:${offer}, sku:${sku})`;
  };
  const own = identify({ properties: properties ?? {} });
  const twin = store
    .listResources(parentId(id), "galleries/images")
    .some(
      (other) =>
        resourceKey(other.id) !== resourceKey(id) &&
        identify(other).toLowerCase() === own.toLowerCase(),
    );
  if (twin)
    throw new ArmError(
      409,
      "OperationNotAllowed",
      `Gallery image: ${name} identified by ${own} already exists. Choose a different publisher, offer, sku combination.`,
    );
}

function validateEndOfLife(store: Store, date: unknown): void {
  if (date === undefined || date === null) return;
  const text = typeof date === "string" ? date : JSON.stringify(date);
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw invalidRequestContent(
      `Could not convert string to DateTimeOffset: ${text}. Path 'properties.endOfLifeDate'`,
    );
  if (time <= store.now())
    throw invalidParameter(pathOf("endOfLifeDate"), "EndOfLifeDate must be set to a future date.");
}

function validateRange(properties: Readonly<Record<string, unknown>>, name: string): void {
  const recommended = properties["recommended"];
  const range = isObject(recommended) ? recommended[name] : undefined;
  const { min, max } = isObject(range) ? range : {};
  if (typeof min === "number" && typeof max === "number" && min > max)
    throw invalidParameter(
      pathOf(`recommended.${name}`),
      `The minimum value of ${pathOf(`recommended.${name}`)} must not be greater than the maximum value of ${pathOf(`recommended.${name}`)}.`,
    );
}

/** Resource Manager's own rule, before Compute sees the name. */
function validateEnd(name: string, shown: string, wrong: RegExp): void {
  const [last] = wrong.exec(name) ?? [];
  if (last !== undefined)
    throw new ArmError(
      400,
      "InvalidResourceName",
      `The provided resource name '${shown}' has these invalid trailing characters: '${last}'. The name can not end with characters: '${last}'.`,
    );
}

function galleryAndName(id: string): string {
  return parseComputeId(id)?.names.join("/") ?? id;
}

function pathOf(property: string): string {
  return `galleryImage.properties.${property}`;
}
