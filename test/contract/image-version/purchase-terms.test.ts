/** Machines of a Marketplace image need its terms accepted: who publishes one is told before anybody makes a machine. */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { LOCAL_SUBSCRIPTION_ID } from "@sigil-local/arm-simulator";
import { ServiceError } from "../../../src/errors.js";
import { planImageVersion } from "../../../src/image-version/commands/plan.js";
import { putImageVersion } from "../../../src/image-version/commands/put.js";
import { getMachineCommands } from "../../../src/machine-command/get-machine-commands.js";
import { commandOf, idOf, startInProcess, type InProcess } from "../../support/dependencies.js";
import { managedImageRequest, seedResource } from "../../support/requests.js";
import { Trial } from "../../support/trial.js";
import { naming } from "../../support/naming.js";

const PLAN = { name: "9", publisher: "contoso", product: "linux" };
const AGREEMENTS =
  "Microsoft.MarketplaceOrdering/offerTypes/publishers/offers/plans/agreements/read";
const VERSION = `${seedResource("galleries/MyGallery/images/Bought")}/versions/1.0.0`;
const AZ = `--subscription ${LOCAL_SUBSCRIPTION_ID} --publisher contoso --offer linux --plan 9`;

let world: InProcess;
beforeAll(async () => {
  world = await startInProcess();
  const { of } = new Trial(world.simulator.control, 1, () => Promise.resolve());
  await world.simulator.control.putResource(
    of.imageDefinition("MyGallery", "Bought", "westus", { purchasePlan: PLAN }),
  );
});
afterAll(() => world.close());
beforeEach(() => accept(false));

const accept = (accepted: boolean): Promise<void> =>
  world.simulator.control.setTermsAccepted({
    publisher: PLAN.publisher,
    offer: PLAN.product,
    plan: PLAN.name,
    accepted,
  });
const about = (findings: readonly { code: string; message: string; remediation?: string }[]) =>
  findings.filter(({ code }) => /^Purchase(Terms|PlanNot)/u.test(code));
const planned = async () => {
  const { findings } = await planImageVersion(world.deps, {
    id: idOf(VERSION),
    body: managedImageRequest(),
  });
  return about(findings);
};
const commands = async () =>
  about(
    (
      await getMachineCommands(world.deps, idOf(VERSION), "westus", {
        name: "it",
      })
    ).warnings,
  );

const NOT_ACCEPTED = {
  code: "PurchaseTermsNotAccepted",
  message: naming(["plan 9", "linux", "contoso", LOCAL_SUBSCRIPTION_ID]),
  remediation: naming([`az vm image terms show ${AZ}`, `az vm image terms accept ${AZ}`]),
};

test("a plan names the purchase plan that machines of the version need", async () => {
  const plan = { id: idOf(VERSION), body: managedImageRequest() };
  expect((await planImageVersion(world.deps, plan)).purchasePlan).toEqual(PLAN);
});

test("a plan, the version's operation and the commands for a machine warn of terms that are not accepted", async () => {
  expect(await planned()).toMatchObject([{ ...NOT_ACCEPTED, severity: "warning" }]);
  const put = await putImageVersion(world.deps, commandOf(VERSION, managedImageRequest()));
  expect(put.kind).toBe("accepted");
  const operation = await world.finish(VERSION);
  expect(about(operation.warnings ?? [])).toMatchObject([NOT_ACCEPTED]);
  expect(operation.status).toBe("Succeeded");
  expect(await commands()).toMatchObject([NOT_ACCEPTED]);

  await accept(true);
  expect(await planned()).toEqual([]);
  expect(await commands()).toEqual([]);
});

test("what Sigil's identity may not see is said, and stops nothing", async () => {
  const denial = {
    action: AGREEMENTS,
    scope: `/subscriptions/${LOCAL_SUBSCRIPTION_ID}`,
  };
  await accept(true);
  await world.simulator.control.denyAction(denial);
  try {
    const told = {
      code: "PurchaseTermsNotSeen",
      message: naming([AGREEMENTS]),
    };
    expect(await planned()).toMatchObject([{ ...told, severity: "warning" }]);
    expect(await commands()).toMatchObject([told]);
  } finally {
    await world.simulator.control.allowAction(denial);
  }
});

test("nor does a Marketplace that does not answer", async () => {
  const deps = {
    ...world.deps,
    subscriptions: {
      ...world.deps.subscriptions,
      areTermsAccepted: () =>
        Promise.reject(
          new ServiceError("ResourceManagerUnavailable", "No answer.", {
            retryAfterMs: 1_000,
          }),
        ),
    },
  };
  const { findings } = await planImageVersion(deps, {
    id: idOf(VERSION),
    body: managedImageRequest(),
  });
  expect(about(findings)).toMatchObject([
    {
      code: "PurchaseTermsNotSeen",
      message: expect.stringContaining("the Marketplace did not answer") as string,
    },
  ]);
});
