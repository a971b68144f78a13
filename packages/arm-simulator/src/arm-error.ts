/** An answer that is an ARM error body: `{"error": {"code", "message", "target"?, "details"?}}`. */
export class ArmError extends Error {
  override readonly name = "ArmError";
  readonly status: number;
  readonly code: string;
  readonly target: string | undefined;
  readonly details: readonly ErrorBody[];
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    message: string,
    options: {
      target?: string;
      details?: readonly ErrorBody[];
      headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.target = options.target;
    this.details = options.details ?? [];
    this.headers = options.headers ?? {};
  }

  get body(): { error: ErrorBody } {
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(this.target === undefined ? {} : { target: this.target }),
        ...(this.details.length === 0 ? {} : { details: this.details }),
      },
    };
  }
}

export interface ErrorBody {
  readonly code: string;
  readonly message: string;
  readonly target?: string;
  readonly details?: readonly ErrorBody[];
}

/** Compute's own refusal of a value: 400 InvalidParameter, `target` names the property. */
export function invalidParameter(target: string, message: string): ArmError {
  return new ArmError(400, "InvalidParameter", message, { target });
}

export function propertyChangeNotAllowed(property: string): ArmError {
  return new ArmError(
    409,
    "PropertyChangeNotAllowed",
    `Changing property '${property}' is not allowed.`,
    { target: property },
  );
}

export function disallowedByPolicy(name: string, message: string): ArmError {
  return new ArmError(403, "RequestDisallowedByPolicy", message, {
    target: name,
  });
}

export function conflict(message: string): ArmError {
  return new ArmError(409, "Conflict", message);
}

/** Resources cannot move: the name is taken by the existing one. */
export function existsElsewhere(
  name: string,
  resourceGroup: string,
  { is, asked }: { is: string; asked: string },
): ArmError {
  return new ArmError(
    409,
    "InvalidResourceLocation",
    `The resource '${name}' already exists in location '${is}' in resource group '${resourceGroup}'. A resource with the same name cannot be created in location '${asked}'. Please select a new resource name.`,
  );
}

export function locationNotAvailable(
  type: string,
  location: string,
  available: readonly string[],
): ArmError {
  return new ArmError(
    400,
    "LocationNotAvailableForResourceType",
    `The provided location '${location}' is not available for resource type '${type}'. List of available regions for the resource type is '${available.join(",")}'.`,
  );
}

export function subscriptionNotFound(subscriptionId: string): ArmError {
  return new ArmError(
    404,
    "SubscriptionNotFound",
    `The subscription '${subscriptionId}' could not be found.`,
  );
}

export function resourceGroupNotFound(name: string): ArmError {
  return new ArmError(404, "ResourceGroupNotFound", `Resource group '${name}' could not be found.`);
}

export function resourceNotFound(
  typeAndName: string,
  resourceGroup: string,
  target?: string,
): ArmError {
  return new ArmError(
    404,
    "ResourceNotFound",
    `The Resource '${typeAndName}' under resource group '${resourceGroup}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
    target === undefined ? {} : { target },
  );
}

export function invalidRequestContent(message: string): ArmError {
  return new ArmError(
    400,
    "InvalidRequestContent",
    `The request content was invalid and could not be deserialized: '${message}'.`,
  );
}
