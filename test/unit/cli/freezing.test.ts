import { expect, it } from "vitest";
import { runLine } from "./command-line.js";

const FREEZE = {
  name: "close",
  images: [
    { subscriptionId: "*", galleryName: "prod" },
    { subscriptionId: "*", imageName: "web" },
  ],
  from: "2026-11-28T08:00:00.000Z",
  until: "2026-12-03T08:00:00.000Z",
  reason: "CHG0042",
};

it("freeze create sends the names, the regions, and the times with their seconds", async () => {
  const { code, stdout, requests } = await runLine(
    "freeze create -n close --gallery prod --image web --subscription-id s --regions westus eastus --from 2026-11-28T09:00+01:00 --until 2026-12-03T08:00Z --reason CHG0042 -o table",
    () => [200, FREEZE],
  );
  expect(code).toBe(0);
  expect(requests).toMatchObject([
    {
      method: "PUT",
      path: expect.stringContaining("/api/freezes/close") as string,
      body: {
        images: [{ subscriptionId: "s", galleryName: "prod", imageName: "web" }],
        regions: ["westus", "eastus"],
        from: "2026-11-28T08:00:00.000Z",
        until: "2026-12-03T08:00:00.000Z",
        reason: "CHG0042",
      },
    },
  ]);
  const cells = stdout
    .split("\n")
    .find((line) => line.startsWith("close"))
    ?.split(/\s{2,}/u);
  expect(cells?.map((cell) => cell.trim())).toEqual([
    "close",
    "prod/*, */web",
    "all",
    "2026-11-28T08:00",
    "2026-12-03T08:00",
    "CHG0042",
  ]);
});

it.each(["tomorrow", "2026-12-03", "2026-12-03T08:00", "2026-13-03T08:00Z"])(
  "freeze create refuses %s before it is sent",
  async (until) => {
    const line = `freeze create -n close --gallery prod --until ${until} --reason CHG0042`;
    const { code, stderr, requests } = await runLine(line, () => [200, FREEZE]);
    expect(code).toBe(2);
    expect(stderr).toContain("--until");
    expect(requests).toEqual([]);
  },
);

it("freeze list says that nothing is frozen, and freeze delete what there was", async () => {
  const list = await runLine("freeze list -o table", () => [200, { value: [] }]);
  expect([list.code, list.stdout]).toEqual([0, "Nothing is frozen.\n"]);
  const gone = await runLine("freeze delete -n close", () => [200, FREEZE]);
  expect(JSON.parse(gone.stdout)).toMatchObject({ name: "close" });
  expect(gone.requests).toMatchObject([{ method: "DELETE" }]);
});
