import { createHttpHeaders, RestError, type HttpClient } from "@azure/core-rest-pipeline";
import type { UnconnectedSimulator } from "@sigil-local/arm-simulator";

/** What the SDK's own client gives, without sockets and TLS: half of what a call costs. A body is text, as ARM's are. */
export function inProcessClient({ answer }: Pick<UnconnectedSimulator, "answer">): HttpClient {
  return {
    async sendRequest(request) {
      const { method, url, headers, body } = request;
      // No answer comes in the turn in which its request is sent: others go on meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
      const answered = await answer({
        method,
        url,
        headers: headers.toJSON(),
        body: typeof body === "string" ? body : "",
      });
      if (answered === undefined)
        throw new RestError("socket hang up", { code: "ECONNRESET", request });
      return {
        request,
        status: answered.status,
        headers: createHttpHeaders(answered.headers),
        bodyAsText: answered.body,
      };
    },
  };
}
