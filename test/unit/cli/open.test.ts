import { describe, expect, it } from "vitest";
import { browserOf } from "../../../src/cli/src/browser.js";
import { pathOf } from "../../../src/page/src/routes.js";
import { AT, runLine, SUBSCRIPTION } from "./command-line.js";

const image = {
  subscriptionId: SUBSCRIPTION,
  resourceGroupName: "MyResourceGroup",
  galleryName: "MyGallery",
  imageName: "MyImage",
};
const nobody = () => {
  throw new Error("nothing is asked of the service");
};

describe("open", () => {
  it.each([
    ["", pathOf({ view: "home" })],
    [AT, pathOf({ view: "image", image })],
    [`${AT} -e 1.0.0`, pathOf({ view: "version", image, version: "1.0.0" })],
    [
      "-g a&b(c) -r $(x) -i ../.. -e 1.0.0;rm",
      pathOf({
        view: "version",
        image: {
          ...image,
          resourceGroupName: "a&b(c)",
          galleryName: "$(x)",
          imageName: "../..",
        },
        version: "1.0.0;rm",
      }),
    ],
  ])("%s is the page's own address", async (line, path) => {
    const opened: string[] = [];
    const { code, stdout, stderr } = await runLine(`open ${line}`, nobody, {
      browse: (address) => {
        opened.push(address);
        return Promise.resolve(true);
      },
    });
    expect([code, stdout, stderr]).toEqual([0, `https://sigil.example${path}\n`, ""]);
    expect(opened).toEqual([stdout.trimEnd()]);
  });

  it("says where there is no browser; with --print it looks for none", async () => {
    const none = await runLine(`open ${AT}`, nobody);
    expect(none.code).toBe(0);
    expect(none.stderr).toContain("no browser");
    const printed = await runLine(`open ${AT} --print`, nobody, {
      browse: nobody,
    });
    expect([printed.code, printed.stdout, printed.stderr]).toEqual([0, none.stdout, ""]);
  });

  it.each(["https://sigil.example/", "https://sigil.example/api/"])(
    "takes the endpoint as %s",
    async (SIGIL_ENDPOINT) => {
      const { stdout } = await runLine("open --print", nobody, {
        environment: { SIGIL_ENDPOINT },
      });
      expect(stdout).toBe("https://sigil.example/api/ui/\n");
    },
  );

  it("names nothing ..: that would be another page", async () => {
    const { code, stdout } = await runLine("open -g g -r .. -i i", nobody);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("needs an image definition of a version", async () => {
    const { code, stderr } = await runLine("open -e 1.0.0", nobody);
    expect(code).toBe(2);
    expect(stderr).toContain("--resource-group is missing");
  });
});

describe("the browser", () => {
  it.each([
    ["linux", {}, undefined],
    ["linux", { DISPLAY: ":0" }, "xdg-open"],
    ["linux", { WAYLAND_DISPLAY: "wayland-0" }, "xdg-open"],
    ["darwin", {}, "open"],
    ["win32", {}, "rundll32.exe"],
  ] as const)("on %s with %o is %s", (platform, environment, program) => {
    expect(browserOf(platform, environment)?.[0]).toBe(program);
  });
});
