import { describe, expect, test } from "vitest";
import { absent, finding, findings, REGIONS, region, seen, SUBSCRIPTION } from "./subject.js";

const PREPARE = `POST /api/subscriptions/${SUBSCRIPTION}/prepare`;
const PROVIDER = "Microsoft.Compute";
const FEATURE = "Microsoft.Compute/SIGEncryption";

const registered = (name: string, state: string) => ({
  gathered: { registrations: new Map([[name, seen(state)]]) },
});

describe.each([
  [PROVIDER, "ProviderNotRegistered", "resource provider"],
  [FEATURE, "FeatureNotRegistered", "preview feature"],
])("%s", (name, code, kind) => {
  test("may be Registered", () => {
    expect(findings(registered(name, "Registered"))).toEqual([]);
  });

  test.each(["NotRegistered", "Unregistered", "Unregistering"])("may not be %s", (state) => {
    expect(findings(registered(name, state))).toEqual([
      finding(code, "", [kind, name, state, SUBSCRIPTION], [PREPARE]),
    ]);
  });

  test.each(["Registering", "Pending"])("is waited for while it is %s", (state) => {
    expect(findings(registered(name, state))).toEqual([
      finding(code, "", [state, SUBSCRIPTION], [PREPARE]),
    ]);
  });

  test("may be one that Azure does not have", () => {
    expect(findings({ gathered: { registrations: new Map([[name, absent]]) } })).toEqual([
      finding(code, "", [kind, name, SUBSCRIPTION], [name]),
    ]);
  });
});

test("a feature for own keys is not asked of a version without them", () => {
  expect(
    findings({
      ...registered(FEATURE, "NotRegistered"),
      regions: [{ name: "westus" }],
    }),
  ).toEqual([]);
});

describe("regions", () => {
  test("are offered by the subscription", () => {
    expect(
      findings({
        regions: [region("westus"), { ...region("eastus2"), name: "eastus22" }],
      }).filter(({ rule }) => rule === "region-offered"),
    ).toEqual([
      finding(
        "RegionNotOffered",
        `${REGIONS}/1/name`,
        [SUBSCRIPTION, '"eastus22"'],
        [SUBSCRIPTION, "eastus2", "az account list-locations --subscription"],
      ),
    ]);
  });

  test("that the subscription does not offer are told once each", () => {
    const [moon, ...others] = findings({
      regions: [{ name: "moon" }, { name: "Moon" }],
      location: "moon",
      gathered: { sources: new Map() },
    }).filter(({ rule }) => rule === "region-offered");
    expect(others).toEqual([]);
    expect(moon).toEqual(finding("RegionNotOffered", `${REGIONS}/0/name`, ['"moon"'], []));
  });

  test("that are a location alone are told as such", () => {
    expect(
      findings({
        regions: [region("eastus2")],
        location: "mars",
        gathered: { sources: new Map() },
      })
        .filter(({ rule }) => rule === "region-offered")
        .map(({ pointer }) => pointer),
    ).toEqual(["/location"]);
  });
});
