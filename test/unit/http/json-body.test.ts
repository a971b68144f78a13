import { HttpRequest } from "@azure/functions";
import { describe, expect, it } from "vitest";
import { ServiceError } from "../../../src/errors.js";
import { readJsonBody } from "../../../src/http/json-body.js";
import { MAX_BODY_BYTES } from "../../../src/json/parse-json.js";
import { naming } from "../../support/naming.js";

const NEEDED = { mediaTypes: ["application/json"], required: true };
const JSON_TYPE = { "content-type": "application/json" };
const put = (body: string | Uint8Array, headers: Record<string, string> = JSON_TYPE): HttpRequest =>
  new HttpRequest({
    method: "PUT",
    url: "http://localhost/api/x",
    headers,
    body: typeof body === "string" ? { string: body } : { bytes: body },
  });

async function refusal(request: HttpRequest): Promise<ServiceError> {
  const error: unknown = await readJsonBody(request, NEEDED).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ServiceError);
  return error as ServiceError;
}

describe("readJsonBody", () => {
  it.each([
    "application/json",
    "Application/JSON; charset=UTF-8",
    'application/json;charset="utf-8"',
    "application/vnd.example+json",
  ])("takes %s", async (type) => {
    const request = put('{"a":"å"}', { "content-type": type });
    expect(await readJsonBody(request, NEEDED)).toEqual({ a: "å" });
  });

  it.each([
    [{ "content-type": "text/plain" }, "The body is text/plain."],
    [{ "content-type": "application/jsonx" }, "The body is application/jsonx."],
    [
      { "content-type": "application/json; charset=iso-8859-1" },
      "The body is in iso-8859-1. Send UTF-8.",
    ],
    [{ ...JSON_TYPE, "content-encoding": "gzip" }, "gzip"],
  ])("refuses %j as unsupported", async (headers, message) => {
    const error = await refusal(put("{}", headers));
    expect(error.code).toBe("UnsupportedMediaType");
    expect(error.message).toContain(message);
  });

  it("refuses a body without a content type", async () => {
    const error = await refusal(put(new Uint8Array([0x7b, 0x7d]), {}));
    expect(error.code).toBe("UnsupportedMediaType");
    expect(error.message).toContain("without a Content-Type");
  });

  it("takes 256 KB and refuses one byte more, counted in bytes", async () => {
    const filled = (length: number) => `"${"å".repeat((length - 2) / 2)}"`;
    expect(await readJsonBody(put(filled(MAX_BODY_BYTES)), NEEDED)).toHaveLength(
      MAX_BODY_BYTES / 2 - 1,
    );
    const error = await refusal(put(filled(MAX_BODY_BYTES + 2)));
    expect(error.code).toBe("PayloadTooLarge");
    expect(error.message).toEqual(naming(["262144"]));
  });

  it("refuses by Content-Length before reading", async () => {
    const request = put("{}", {
      ...JSON_TYPE,
      "content-length": String(MAX_BODY_BYTES + 1),
    });
    expect((await refusal(request)).code).toBe("PayloadTooLarge");
    expect(request.bodyUsed).toBe(false);
  });

  it.each(["application/json-patch+json", "application/merge-patch+json"])(
    "refuses %s where no patch is asked for",
    async (type) => {
      const error = await refusal(put("{}", { "content-type": type }));
      expect(error.code).toBe("UnsupportedMediaType");
    },
  );

  it("takes a merge patch where one is asked for, and no other patch", async () => {
    const accepted = {
      mediaTypes: ["application/merge-patch+json", "application/json"],
      required: true,
    };
    for (const type of accepted.mediaTypes)
      expect(await readJsonBody(put("{}", { "content-type": type }), accepted)).toEqual({});
    await expect(
      readJsonBody(put("[]", { "content-type": "application/json-patch+json" }), accepted),
    ).rejects.toMatchObject({
      code: "UnsupportedMediaType",
      message: naming([
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/json",
      ]),
    });
  });

  it.each<[string, Record<string, string>]>([
    ["", {}],
    ["", JSON_TYPE],
    ["", { "content-type": "application/x-www-form-urlencoded" }],
    [" \n", JSON_TYPE],
  ])("of an operation that can do without may be %j with %j", async (text, headers) => {
    const optional = { ...NEEDED, required: false };
    expect(await readJsonBody(put(text, headers), optional)).toBeUndefined();
  });

  it("of an operation that can do without is JSON where there is one", async () => {
    const optional = { ...NEEDED, required: false };
    expect(await readJsonBody(put("{}"), optional)).toEqual({});
    await expect(
      readJsonBody(put("{}", { "content-type": "text/plain" }), optional),
    ).rejects.toMatchObject({ code: "UnsupportedMediaType" });
  });

  it("refuses an empty body", async () => {
    const error = await refusal(put(""));
    expect(error).toMatchObject({
      code: "MalformedJson",
      message: "The body is empty.",
    });
  });

  it("refuses what is not UTF-8", async () => {
    const error = await refusal(put(new Uint8Array([0x22, 0xff, 0x22])));
    expect(error).toMatchObject({
      code: "MalformedJson",
      message: naming(["UTF-8"]),
    });
  });
});
