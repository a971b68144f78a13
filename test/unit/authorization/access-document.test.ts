import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { document, documentedOperations } from "../http/contract/document.js";

test("docs/access.md says of each operation which role it needs", async () => {
  const text = await readFile("docs/access.md", "utf8");
  const said = Object.fromEntries(
    [...text.matchAll(/^\| `(ImageVersions\.\w+)` +\|(.*)\|$/gmu)].map(
      ([, role = "", what = ""]) => [
        role,
        [...what.matchAll(/`(\w+)`/gu)].map(([, name]) => name).sort(),
      ],
    ),
  );
  const needed: Record<string, string[]> = {};
  for (const { operation } of documentedOperations()) {
    const { requiredRole } = document.operation(operation.operationId);
    if (requiredRole !== undefined)
      (needed[requiredRole] ??= []).push(operation.operationId);
  }
  expect(said).toEqual(
    Object.fromEntries(
      Object.entries(needed).map(([role, names]) => [role, names.sort()]),
    ),
  );
});
