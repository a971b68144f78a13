import { describe, expect, test } from "vitest";
import { viewPage } from "../../../src/http/paging.js";
import { refusal } from "../../support/refusal.js";

const LISTING = "https://sigil.example/api/operations?status=Running";

/** A listing of three pages, whose tokens are their numbers. */
async function page(
  address: string,
): Promise<{ value: string[]; nextLink?: string; continuationToken?: string }> {
  const requestUrl = new URL(address);
  const continuationToken = requestUrl.searchParams.get("continuationToken") ?? undefined;
  return viewPage(
    { requestUrl, query: { continuationToken } },
    (token = "1") =>
      Promise.resolve({
        value: [token],
        ...(token !== "3" && { continuationToken: String(Number(token) + 1) }),
      }),
    (item) => `page ${item}`,
  );
}

const tokenOf = async (address = LISTING): Promise<string> =>
  (await page(address)).continuationToken ?? expect.fail("it is the last page");
const withToken = (address: string, token: string): string => {
  const url = new URL(address);
  url.searchParams.set("continuationToken", token);
  return url.href;
};

test("nextLink leads from page to page, to the last", async () => {
  const first = await page(`${LISTING}&top=1`);
  const second = await page(first.nextLink ?? "");
  const third = await page(second.nextLink ?? "");
  expect([first, second, third].flatMap(({ value }) => value)).toEqual([
    "page 1",
    "page 2",
    "page 3",
  ]);
  expect(third).toEqual({ value: ["page 3"] });
  expect(new URL(first.nextLink ?? "").searchParams.get("top")).toBe("1");
});

describe("a token", () => {
  test.each([
    ["with another page size", `${LISTING}&top=50`],
    ["in another case", LISTING.replace("operations", "Operations")],
    [
      "with parameters in another order",
      "https://sigil.example/api/operations?top=2&status=Running",
    ],
  ])("is taken for its listing, %s", async (_, address) => {
    expect((await page(withToken(address, await tokenOf()))).value).toEqual(["page 2"]);
  });

  test.each([
    ["another listing", LISTING.replace("operations", "versions")],
    ["another filter", LISTING.replace("Running", "Failed")],
    ["no filter", "https://sigil.example/api/operations"],
  ])("of one listing is refused for %s", async (_, address) => {
    expect(await refusal(page(withToken(address, await tokenOf())))).toMatchObject({
      code: "InvalidRequest",
      findings: [{ pointer: "/query/continuationToken" }],
    });
  });

  test.each([
    "2",
    "Mg",
    "Mg.",
    ".",
    "Mg.AAAAAAAAAAAAAAAAAAAAAA",
    Buffer.from('{"nextPartitionKey":"x","nextRowKey":"y"}').toString("base64"),
    Buffer.from("$top=1").toString("base64url"),
    "0.0.0",
  ])("that no page has given is refused: %s", async (token) => {
    expect(await refusal(page(withToken(LISTING, token)))).toMatchObject({
      code: "InvalidRequest",
    });
  });

  test("is refused once anything of it is changed", async () => {
    const token = await tokenOf();
    for (const changed of [`${token}A`, token.replace(/^../u, "Mw"), ` ${token}`])
      expect((await refusal(page(withToken(LISTING, changed)))).code).toBe("InvalidRequest");
  });
});
