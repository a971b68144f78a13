import { startResourceManagerSimulator } from "@sigil-local/arm-simulator";
import { startTokenIssuer } from "@sigil-local/token-issuer";
import { createCertificateAuthority } from "@sigil-local/token-issuer/certificates";
import { startInProcess, type InProcessOptions, type StartArm } from "./dependencies.js";

const ARM_AUDIENCE = "https://management.azure.com";

/** As startInProcess, but for the SDK, which reaches the simulator over HTTPS, with tokens that are checked. */
export function startOverHttps(options: InProcessOptions = {}): ReturnType<typeof startInProcess> {
  return startInProcess(options, startArmOverHttps);
}

export const startArmOverHttps: StartArm = async (options) => {
  const directory = process.env["SIGIL_TEST_CERTIFICATES"] ?? "";
  const tls = await createCertificateAuthority(directory);
  const issuer = await startTokenIssuer({
    tls,
    audience: ARM_AUDIENCE,
    dataDirectory: directory,
  });
  const simulator = await startResourceManagerSimulator({
    ...options,
    tls,
    issuer,
  });
  return {
    simulator,
    connection: {
      endpoint: simulator.endpoint,
      credential: {
        getToken: async () => ({
          token: await issuer.issueToken({ audience: ARM_AUDIENCE }),
          expiresOnTimestamp: Date.now() + 3_600_000,
        }),
      },
    },
    async close() {
      await Promise.all([simulator.close(), issuer.close()]);
    },
  };
};
