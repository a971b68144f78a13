import { ArmError, invalidRequestContent } from "./arm-error.js";
import type { ArmAnswer, ArmRequest } from "./arm-request.js";
import { isObject } from "./json-shape.js";
import { parseComputeId } from "./resource-id.js";

/*
 * `az vm create` sends a template. Each of its resources is put, in the order of the template, before the deployment is
 * answered. Of template expressions there is `[parameters('name')]`, which is all that az needs for a machine whose network
 * interface exists.
 */

/** PUT of `Microsoft.Resources/deployments/{name}`; `put` sends one resource; undefined for another method. */
export async function answerDeployment(
  request: ArmRequest,
  put: (resource: ArmRequest) => Promise<ArmAnswer>,
): Promise<ArmAnswer | undefined> {
  if (request.method !== "PUT") return undefined;
  const { properties } = isObject(request.body) ? request.body : {};
  const { template, parameters } = isObject(properties) ? properties : {};
  if (!isObject(template) || !Array.isArray(template["resources"]))
    throw invalidRequestContent("the body must have 'properties.template.resources'");
  const values = isObject(parameters) ? parameters : {};
  const group = request.path.replace(/\/providers\/.*$/iu, "");
  const outputResources: { id: string }[] = [];
  for (const resource of template["resources"] as unknown[]) {
    const {
      apiVersion,
      type,
      name,
      dependsOn: _order,
      ...body
    } = evaluate(resource, values) as Record<string, unknown>;
    const id = `${group}/providers/${String(type)}/${String(name)}`;
    if (parseComputeId(id) === undefined)
      throw invalidTemplate(
        `The simulator deploys only resources of Microsoft.Compute, not '${String(type)}'.`,
      );
    await put({
      ...request,
      path: id,
      apiVersion: String(apiVersion),
      body,
    });
    outputResources.push({ id });
  }
  return {
    status: 201,
    body: {
      id: request.path,
      name: request.path.split("/").at(-1),
      type: "Microsoft.Resources/deployments",
      properties: {
        mode: "Incremental",
        provisioningState: "Succeeded",
        outputs: {},
        outputResources,
      },
    },
  };
}

function evaluate(value: unknown, parameters: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) return value.map((item) => evaluate(item, parameters));
  if (isObject(value))
    return Object.fromEntries(
      Object.entries(value).map(([name, member]) => [name, evaluate(member, parameters)]),
    );
  if (typeof value !== "string" || !/^\[(?!\[)/u.test(value)) return value;
  const name = /^\[parameters\('(\w+)'\)\]$/u.exec(value)?.[1];
  const given = name === undefined ? undefined : parameters[name];
  if (!isObject(given))
    throw invalidTemplate(
      `The simulator evaluates only [parameters('name')] of a given parameter, not '${value}'.`,
    );
  return given["value"];
}

function invalidTemplate(message: string): ArmError {
  return new ArmError(400, "InvalidTemplate", message);
}
