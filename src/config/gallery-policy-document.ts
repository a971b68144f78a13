import type { DefinedError } from "ajv";
import { toFindings } from "../http/contract/findings.js";
import { POLICY_QUEUES, type GalleryPolicy } from "../authorization/gallery-policy.js";
import { findJsonMistake } from "../json/json-syntax.js";
import { createAjv } from "../http/contract/validation.js";

const MAX_DEPTH = 8;

const namePattern = (what: string, pattern: string, example: string) => ({
  type: "string",
  description: `${what}, with * for any characters.`,
  pattern,
  example,
});
const name = (what: string) => ({
  type: "string",
  description: `${what}, as access tokens have it.`,
  pattern: "^[\\x21-\\x7E]{1,128}$",
});

const SUBSCRIPTION_ID = {
  type: "string",
  description: "A subscription id is a GUID, or * for any.",
  pattern: "^(?:\\*|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})$",
  example: "00000000-0000-0000-0000-000000000000",
};
const RESOURCE_GROUP_NAME = namePattern(
  "The name of a resource group",
  "^[A-Za-z0-9_.()*-]{1,90}$",
  "images-*",
);
const resources = (description: string, what: string) => ({
  type: "array",
  description,
  maxItems: 1000,
  items: {
    type: "object",
    description: `${what} needs at least its subscription.`,
    required: ["subscriptionId"],
    additionalProperties: false,
    properties: {
      subscriptionId: SUBSCRIPTION_ID,
      resourceGroupName: RESOURCE_GROUP_NAME,
      name: namePattern(
        "The name of the resource, of an image version that of its gallery, of a subnet that of its virtual network",
        "^[A-Za-z0-9._*-]{1,128}$",
        "golden*",
      ),
    },
  },
});

const GALLERY = {
  subscriptionId: SUBSCRIPTION_ID,
  resourceGroupName: RESOURCE_GROUP_NAME,
  galleryName: namePattern("The name of a gallery", "^[A-Za-z0-9._*]{1,80}$", "golden*"),
} as const;
const QUEUE = {
  type: "string",
  description: "The queue that a message was sent to.",
  enum: [...POLICY_QUEUES],
} as const;

/**
 * The JSON schema of a gallery policy. The first sentence of a description is the message of a
 * mistake.
 */
const GALLERY_POLICY_SCHEMA = {
  type: "object",
  description: "A gallery policy has rules.",
  required: ["rules"],
  additionalProperties: false,
  properties: {
    $schema: { type: "string", description: "For editors." },
    rules: {
      type: "array",
      description: "A write is allowed when one rule allows it.",
      maxItems: 1000,
      items: {
        type: "object",
        description:
          "A rule has callers and galleries, and may limit sources, disk encryption sets and subnets.",
        required: ["callers", "galleries"],
        additionalProperties: false,
        properties: {
          description: { type: "string", description: "For people." },
          callers: {
            type: "array",
            description: "Who may write.",
            minItems: 1,
            maxItems: 1000,
            items: {
              type: "object",
              description: "A caller has one of appId, objectId, role and queue.",
              minProperties: 1,
              maxProperties: 1,
              additionalProperties: false,
              properties: {
                appId: name("The id of the client application"),
                objectId: name("The object id of the identity or person"),
                role: name("An app role"),
                queue: QUEUE,
              },
            },
          },
          galleries: {
            type: "array",
            description: "What they may write to.",
            minItems: 1,
            maxItems: 1000,
            items: {
              type: "object",
              description: "A gallery needs at least its subscription.",
              required: ["subscriptionId"],
              additionalProperties: false,
              properties: GALLERY,
            },
          },
          sources: resources("What they may publish from; absent: anything.", "A source"),
          diskEncryptionSets: resources(
            "What they may encrypt with; absent: any set.",
            "A disk encryption set",
          ),
          subnets: resources("Where they may have test machines; absent: anywhere.", "A subnet"),
        },
      },
    },
    gates: {
      type: "array",
      description: "What versions must pass before they are in latest.",
      maxItems: 1000,
      items: {
        type: "object",
        description: "A gate has images and tests, and may name regions.",
        required: ["images", "tests"],
        additionalProperties: false,
        properties: {
          description: { type: "string", description: "For people." },
          images: {
            type: "array",
            description: "Image definitions whose versions must pass it.",
            minItems: 1,
            maxItems: 1000,
            items: {
              type: "object",
              description: "An image needs at least its subscription.",
              required: ["subscriptionId"],
              additionalProperties: false,
              properties: {
                ...GALLERY,
                imageName: namePattern(
                  "The name of an image definition",
                  "^[A-Za-z0-9._*-]{1,80}$",
                  "golden*",
                ),
              },
            },
          },
          regions: {
            type: "array",
            description: "Regions where it applies; absent: everywhere.",
            minItems: 1,
            maxItems: 100,
            items: {
              type: "string",
              description: "A region's name.",
              pattern: "^[A-Za-z0-9 ]{1,64}$",
              example: "westus",
            },
          },
          tests: {
            type: "array",
            description: "Tests that must pass in each of its regions.",
            minItems: 1,
            maxItems: 100,
            items: {
              type: "object",
              description: "A test has a name, and reporters whose results count.",
              required: ["name"],
              additionalProperties: false,
              properties: {
                name: {
                  type: "string",
                  description: "A test's name, as its results have it.",
                  pattern: "^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$",
                  example: "scan",
                },
                reporters: {
                  type: "array",
                  description: "Whose results count.",
                  minItems: 1,
                  maxItems: 100,
                  items: {
                    type: "object",
                    description: "A reporter has one of appId, objectId and queue.",
                    minProperties: 1,
                    maxProperties: 1,
                    additionalProperties: false,
                    properties: {
                      appId: name("The id of an application that acts for itself"),
                      objectId: name("The object id of the identity or person"),
                      queue: QUEUE,
                    },
                  },
                },
              },
            },
          },
        },
      },
    },
  },
} as const;

/** Reads a gallery policy; or returns every mistake in it, each with its place. */
export function parseGalleryPolicy(
  text: string,
): { readonly policy: GalleryPolicy } | { readonly mistakes: string[] } {
  const mistake = findJsonMistake(text, MAX_DEPTH);
  if (mistake !== undefined)
    return {
      mistakes: [`line ${mistake.line}, column ${mistake.column}: ${mistake.message}`],
    };
  const value: unknown = JSON.parse(text);
  const check = createAjv().compile<GalleryPolicy>(GALLERY_POLICY_SCHEMA);
  if (check(value)) return { policy: deepFreeze(value) };
  return {
    mistakes: toFindings(check.errors as DefinedError[], "property", (schema) => schema).map(
      ({ pointer, message }) => (pointer === "" ? message : `${pointer}: ${message}`),
    ),
  };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
