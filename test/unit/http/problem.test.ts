import { describe, expect, it } from "vitest";
import { findingsInAnswer, ServiceError } from "../../../src/errors.js";
import { toProblem, withoutTokens } from "../../../src/http/problem.js";
import type { RuleFinding } from "../../../src/image-version/rules/rule.js";
import { responseMistakes } from "./contract/document.js";
import { naming } from "../../support/naming.js";

it.each([
  ["/api/x/eyJhbGciOiJ9.eyJhIjoxfQ.c2ln", "/api/x/token"],
  ["/api/x/eyJhbGciOiJ9.eyJhIjoxfQ./y", "/api/x/token/y"],
  ["/api/a.b-eyJ0.e30.s.c/eyJ0.e30.s.eyJ1.e30.s", "/api/a.b-token.c/token.token"],
  ["/api/eyJ0.e30", "/api/eyJ0.e30"],
  ["/api/eyJ0..s", "/api/eyJ0..s"],
  ["/api/eyJ.e30.s", "/api/eyJ.e30.s"],
  ["/api/images/v1.0.0", "/api/images/v1.0.0"],
])("the path %s is written down as %s", (path, shown) => {
  expect(withoutTokens(path)).toBe(shown);
});

/** So many warnings, and then an error. */
const manyFindings = (warnings: number): RuleFinding[] => [
  ...Array.from({ length: warnings }, (_, i) => ({
    rule: "r",
    code: "Warned",
    severity: "warning" as const,
    pointer: `/tags/${i}`,
    message: "Mind.",
    remediation: "None.",
  })),
  {
    rule: "r",
    code: "Wrong",
    severity: "error",
    pointer: "",
    message: "Wrong.",
    remediation: "None.",
  },
];

describe.each([
  [
    "a problem",
    (findings: readonly RuleFinding[]) =>
      toProblem(
        new ServiceError("PreflightFailed", "The plan found 1 error.", {
          findings,
        }),
        "/api/x",
      ).body.errors,
  ],
  ["a plan", (findings: readonly RuleFinding[]) => findingsInAnswer(findings)],
])("%s", (_, answered) => {
  it("has 100 findings as they were found", () => {
    expect(answered(manyFindings(99))).toEqual(manyFindings(99));
  });

  it("has 100 of more, the errors first, and says how many are left", () => {
    const [error] = manyFindings(0);
    expect(answered(manyFindings(250))).toEqual([
      error,
      ...manyFindings(98).slice(0, -1),
      {
        rule: "too-many-findings",
        code: "TooManyMistakes",
        severity: "warning",
        pointer: "",
        message: naming(["152"]),
        remediation: expect.stringMatching(/./u) as unknown,
      },
    ]);
  });
});

describe("toProblem", () => {
  it("says what a ServiceError says, and is valid by the document", () => {
    const problem = toProblem(
      new ServiceError("ImageVersionConflict", "Version 1.0.0 exists.", {
        findings: [{ code: "Differs", pointer: "/a", message: "2, not 3" }],
        fields: { existingOperationId: "op", status: 200, code: "Mine" },
      }),
      "/api/x",
    );
    expect(problem).toEqual({
      status: 409,
      headers: { "Content-Type": "application/problem+json" },
      body: {
        existingOperationId: "op",
        type: "urn:sigil:problem:ImageVersionConflict",
        title: expect.any(String) as string,
        status: 409,
        detail: "Version 1.0.0 exists.",
        instance: "/api/x",
        code: "ImageVersionConflict",
        errors: [{ code: "Differs", pointer: "/a", message: "2, not 3" }],
      },
    });
    expect(
      responseMistakes("putImageVersion", 409, "application/problem+json", problem.body),
    ).toEqual([]);
  });

  it.each([
    new Error("password=hunter2"),
    "password=hunter2",
    { message: "password=hunter2" },
    undefined,
  ])("tells nothing of an unexpected error", (error) => {
    const problem = toProblem(error, "/api/x");
    expect(problem.status).toBe(500);
    expect(problem.body.code).toBe("InternalError");
    expect(JSON.stringify(problem)).not.toContain("hunter2");
  });

  it("rounds Retry-After up to whole seconds", () => {
    const error = new ServiceError("DependencyUnavailable", "Try again.", {
      retryAfterMs: 1_001,
    });
    expect(toProblem(error, "/")).toMatchObject({
      status: 503,
      headers: { "Retry-After": "2" },
    });
  });

  it("tells the present ETag of a precondition that failed, twice", () => {
    const problem = toProblem(
      new ServiceError("PreconditionFailed", "It has changed.", {
        fields: { etag: '"2"' },
      }),
      "/api/x",
    );
    expect(problem).toMatchObject({
      status: 412,
      headers: { ETag: '"2"' },
      body: { code: "PreconditionFailed", etag: '"2"' },
    });
    expect(
      responseMistakes("putImageVersion", 412, "application/problem+json", problem.body),
    ).toEqual([]);
  });

  it("tells no ETag of a version that does not exist", () => {
    const { headers } = toProblem(
      new ServiceError("PreconditionFailed", "It does not exist."),
      "/",
    );
    expect(headers).not.toHaveProperty("ETag");
  });

  it("names the allowed methods in Allow", () => {
    const error = new ServiceError("MethodNotAllowed", "No.", {
      fields: { allow: ["GET", "PUT"] },
    });
    expect(toProblem(error, "/").headers["Allow"]).toBe("GET, PUT");
  });

  it("challenges a call without a token without an error code", () => {
    const error = new ServiceError("Unauthenticated", "Send a token.");
    expect(toProblem(error, "/").headers["WWW-Authenticate"]).toBe('Bearer realm="sigil"');
  });

  it("challenges a refused token with the reason, in the characters that RFC 6750 allows", () => {
    const error = new ServiceError("Unauthenticated", 'Not "välid".', {
      fields: { tokenError: "invalid_token" },
    });
    expect(toProblem(error, "/").headers["WWW-Authenticate"]).toBe(
      `Bearer realm="sigil", error="invalid_token", error_description="Not 'v'lid'."`,
    );
  });

  it("names the role that a token lacks", () => {
    const error = new ServiceError("Forbidden", "Ask.", {
      fields: {
        tokenError: "insufficient_scope",
        requiredRole: "ImageVersions.Write",
      },
    });
    expect(toProblem(error, "/").headers["WWW-Authenticate"]).toBe(
      'Bearer realm="sigil", error="insufficient_scope", error_description="Ask.", scope="ImageVersions.Write"',
    );
  });
});
