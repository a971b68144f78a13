import type { PipelinePolicy } from "@azure/core-rest-pipeline";
import type { ArmCall } from "../../operation/records.js";

/**
 * Reports each call on the wire for an audit: time, call, and the answer's status and correlation
 * id.
 */
export function auditPolicy({
  now,
  onCall = () => undefined,
}: {
  readonly now: () => Date;
  readonly onCall?: (call: ArmCall) => void;
}): PipelinePolicy {
  return {
    name: "sigilAudit",
    async sendRequest(request, next) {
      const call = {
        time: now().toISOString(),
        method: request.method,
        path: new URL(request.url).pathname,
      };
      try {
        const response = await next(request);
        const correlationId = response.headers.get("x-ms-correlation-request-id");
        onCall({
          ...call,
          status: response.status,
          ...(correlationId !== undefined && { correlationId }),
        });
        return response;
      } catch (error) {
        onCall(call);
        throw error;
      }
    },
  };
}
