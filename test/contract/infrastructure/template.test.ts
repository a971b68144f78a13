/** Whether infra/template.json, by which test/unit/template.test.ts judges, is what Bicep itself makes of infra/. */
import { describe, expect, test } from "vitest";
import { needs } from "@sigil-local/testing/tools";
import { BICEP, lint, predict } from "../../support/bicep.js";
import { AUDIENCE, FULL, hashOfSources, PLAIN } from "../../support/template.js";

describe("infra/", needs("bicep", BICEP), () => {
  test.each(["main.bicep", "main.bicepparam", "verify.bicep"])(
    "%s compiles, and no rule of the linter finds anything",
    async (file) => {
      expect(await lint(file)).toEqual([]);
    },
  );

  // `vitest -u`, which `npm run template` is, writes the file. A line each, so that a change shows which resource it is in.
  test("infra/template.json is what Bicep makes of it", async () => {
    const lines = async (parameters: string): Promise<string> =>
      (await predict(parameters)).map((resource) => JSON.stringify(resource)).join(",\n");
    const made = `{
"sources": "${hashOfSources()}",
"plain": [
${await lines(PLAIN)}
],
"full": [
${await lines(FULL)}
]
}
`;
    await expect(made).toMatchFileSnapshot("../../../infra/template.json");
  });

  test("a private API without a private network, and a gallery policy that nobody has chosen, are refused", async () => {
    await expect(predict(`${PLAIN}\nparam privateApi = true`)).rejects.toThrow(
      "privateApi needs privateNetwork.",
    );
    await expect(predict(AUDIENCE)).rejects.toThrow('"galleryPolicy"');
  });
});
