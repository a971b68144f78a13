import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/src/commands/all.js";

let site: string;
let search: typeof find | undefined;
/** Of each file, by its path in the site; what is no text is empty. */
let files: ReadonlyMap<string, string>;

beforeAll(async () => {
  site = await mkdtemp(path.join(tmpdir(), "sigil-site-test-"));
  await promisify(execFile)(process.execPath, ["docs/site.mjs", site]);
  files = new Map(
    await Promise.all(
      (await listed(site)).map(
        async (name) => [name, await readFile(path.join(site, name), "utf8")] as const,
      ),
    ),
  );
});
afterAll(() => rm(site, { recursive: true, force: true }));

/** What the pages search with, as a browser runs it. */
function find(text: string): readonly {
  readonly url: string;
  readonly kind: string;
  readonly title: string;
}[] {
  search ??= (
    runInNewContext(`${files.get("search.js") ?? ""}; SEARCH`) as {
      readonly find: typeof find;
    }
  ).find;
  return search(text);
}

async function listed(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, {
    recursive: true,
    withFileTypes: true,
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll("\\", "/"),
    );
}

function pages(): readonly (readonly [string, string])[] {
  const found = [...files].filter(([name]) => name.endsWith(".html"));
  expect(found.length).toBeGreaterThan(30);
  return found;
}

test("every document has its page, and every page leads to every other", async () => {
  const documents = (await listed("docs")).filter((name) => name.endsWith(".md"));
  expect(documents.length).toBeGreaterThan(20);
  const expected = [
    "index.html",
    ...documents.map((name) => `docs/${name.replace(/\.md$/u, ".html")}`),
    "search.js",
    "site.js",
  ];
  expect([...files.keys()]).toEqual(expect.arrayContaining(expected));
  for (const [name, html] of pages()) {
    const linked = linksOf(html).map((link) => targetOf(name, link));
    for (const [other, content] of pages())
      if (!leadsOn(content)) expect(linked, name).toContain(other);
    expect(html.match(/<h1 /gu), name).toHaveLength(1);
    expect(html, name).toMatch(/<title>[^<]+<\/title>/u);
  }
});

test("the address of a page that was merged into another leads on to that page", () => {
  const moved = pages().flatMap(([name, html]) => {
    const to = leadsOn(html);
    return to === undefined ? [] : [[name, targetOf(name, to)] as const];
  });
  expect(Object.fromEntries(moved)).toEqual({
    "docs/reference/names.html": "docs/reference/from-az.html",
    "docs/explanation/keys-and-regions.html": "docs/reference/keys.html",
  });
  for (const [, to] of moved) expect(leadsOn(files.get(to) ?? ""), to).toBeUndefined();
});

test("every link and anchor within the site leads somewhere", () => {
  for (const [name, html] of pages())
    for (const link of linksOf(html)) {
      if (/^https?:\/\//u.test(link)) continue;
      const target = targetOf(name, link);
      expect(files.has(target), `${link} in ${name}`).toBe(true);
      const anchor = link.split("#")[1];
      if (anchor !== undefined)
        expect(files.get(target), `${link} in ${name}`).toContain(` id="${anchor}"`);
    }
});

test("a command's old address, on the one page of all commands, leads to its page", () => {
  const page = files.get("docs/reference/cli.html") ?? "";
  for (const { words } of COMMANDS) {
    const anchor = `sigil-${words.replaceAll(" ", "-")}`;
    expect(page).toMatch(
      new RegExp(`<a id="${anchor}"></a><a href="cli/[a-z-]+\\.html#${anchor}">`, "u"),
    );
  }
});

test("no script runs but the two beside the pages, and nothing is fetched from outside", () => {
  for (const [name, text] of files) {
    if (!/\.(?:html|css|svg)$/u.test(name)) continue;
    expect(text, name).not.toMatch(
      /<script(?![^>]* src="[./]*(?:site|search)\.js" defer><\/script>)|\son[a-z]+=|\sstyle=|@import|javascript:/iu,
    );
    const fetched = [
      ...text.matchAll(/<(?:img|link|script|iframe|object|embed|source|use)\b[^>]*/gu),
    ].flatMap(([tag]) =>
      [...tag.matchAll(/\b(?:src|href|data|srcset)="([^"]*)"/gu)].map(
        ([, address = ""]) => address,
      ),
    );
    const inStyles = [...text.matchAll(/\burl\(\s*["']?([^"')]+)/gu)].map(
      ([, address = ""]) => address,
    );
    for (const address of [...fetched, ...inStyles])
      expect(files.has(targetOf(name, address)), `${address} in ${name}`).toBe(true);
    if (name.endsWith(".html")) expect(fetched.length, name).toBeGreaterThan(3);
  }
});

test("a code, a task and an option are found, and what is found is there", () => {
  const first = (text: string) => find(text)[0]?.url;
  expect(first("KeyExpiring")).toMatch(/^docs\/how-to\/rotate-a-key\.html/u);
  expect(first("undo a deletion")).toBe("docs/how-to/undo-a-deletion.html");
  expect(first("--increment")).toMatch(/^docs\/how-to\/take-the-next-number\.html/u);
  expect(first("SIGIL_MAX_READS")).toBe("docs/reference/settings.html");
  for (const { url, kind, title } of find("version")) {
    const [page = "", anchor] = url.split("#");
    expect(files.get(page), url).toContain(title);
    if (anchor !== undefined) expect(files.get(page), url).toContain(` id="${anchor}"`);
    expect(kind).not.toBe("");
  }
  expect(find("what is it")).toEqual([]);
});

/** Asked before anybody looked at what is found: what is typed, and the pages that answer it. */
const QUESTIONS: readonly (readonly [question: string, ...pages: string[]])[] = [
  // Publish
  ["how do I try it on my laptop without azure", "docs/tutorial"],
  ["create an image version", "docs/how-to/create-a-version"],
  ["copy an image to another region", "docs/how-to/add-or-remove-regions"],
  ["remove a region from a version", "docs/how-to/add-or-remove-regions"],
  ["check a request without creating anything", "docs/how-to/find-mistakes-first"],
  ["let sigil pick the version number", "docs/how-to/take-the-next-number"],
  ["which disk encryption set is used for a new region", "docs/how-to/choose-keys-by-rule"],
  ["bring an existing version under management", "docs/how-to/adopt-a-version"],
  // Release
  [
    "exclude from latest",
    "docs/how-to/hold-back-and-promote",
    "docs/explanation/what-latest-means",
  ],
  ["why is my version not the latest", "docs/explanation/what-latest-means"],
  ["staged rollout to a few regions first", "docs/how-to/roll-out-by-waves"],
  ["tell sigil that my test failed", "docs/how-to/report-a-test-result"],
  ["boot a vm to test the image", "docs/how-to/test-by-machines", "docs/reference/test-machines"],
  ["go back to the previous version", "docs/how-to/roll-back"],
  ["image is broken, stop everybody from using it", "docs/how-to/take-a-bad-image-back"],
  // Look after
  ["key is about to expire", "docs/how-to/rotate-a-key"],
  ["replication failed in one region", "docs/how-to/repair-a-region"],
  ["which virtual machines use this image", "docs/how-to/see-who-uses-a-version"],
  ["delete old versions automatically", "docs/how-to/delete-by-policy"],
  ["prevent deletion", "docs/how-to/delete-or-protect"],
  ["restore a deleted version", "docs/how-to/undo-a-deletion"],
  // Connect
  ["packer", "docs/how-to/from-image-builders"],
  ["github actions workflow", "docs/how-to/from-github-and-azure-devops"],
  ["terraform azurerm", "docs/how-to/from-terraform"],
  ["send a request over service bus", "docs/how-to/by-service-bus"],
  ["notify a teams channel", "docs/how-to/tell-teams-or-slack"],
  ["az sig image-version create", "docs/reference/from-az"],
  // Run
  ["install it in my subscription", "docs/how-to/deploy", "docs/how-to/prepare-a-subscription"],
  ["login with entra id", "docs/how-to/sign-in"],
  ["upgrade to a new release", "docs/how-to/upgrade-and-restore"],
  ["which azure permissions does the identity need", "docs/reference/permissions"],
  ["environment variables", "docs/reference/settings"],
  ["who may delete a version", "docs/reference/roles"],
  ["alerts for on-call", "docs/how-to/be-woken-at-night", "docs/reference/operations"],
  ["list of error codes", "docs/reference/errors"],
  ["event types and their data", "docs/reference/events"],
  // Understand
  ["someone changed the version in the portal", "docs/explanation/when-others-change-things"],
  ["how much does it cost to run", "docs/explanation/performance"],
  ["what happens if the process crashes", "docs/explanation/why-nothing-is-lost"],
  ["report a vulnerability", "SECURITY"],
];

test("36 of 40 ordinary questions have the right page among the first three", () => {
  const missed = QUESTIONS.filter(([question, ...right]) => {
    const found = find(question).slice(0, 3);
    return !found.some(({ url }) => right.includes(url.replace(/\.html(?:#.*)?$/u, "")));
  });
  expect(QUESTIONS).toHaveLength(40);
  expect(missed.length, JSON.stringify(missed)).toBeLessThanOrEqual(4);
});

test("ways to do the same are tabs, and each page says what is before and after it", () => {
  const page = files.get("docs/how-to/roll-out-by-waves.html") ?? "";
  expect(page).toContain('data-name="curl" aria-controls="w1-curl"');
  expect(page).toContain('<p class="before">');
  expect(page).toMatch(/rel="prev"><small>Previous<\/small>Hold a version back/u);
  expect(page).toMatch(/rel="next"><small>Next<\/small>Report a test result/u);
  expect(page).not.toContain("<!--");
  expect(page.match(/class="copy"/gu)?.length).toBeGreaterThan(3);
});

test("it suits a phone, light and dark, and shows the states without drawing them", () => {
  for (const [name, html] of pages())
    expect(html, name).toContain(
      '<meta name="viewport" content="width=device-width, initial-scale=1">',
    );
  const style = files.get("site.css") ?? "";
  expect(style).toContain("prefers-color-scheme: dark");
  expect(style).toContain("@media (max-width: 760px)");
  const states = files.get("docs/reference/states.html") ?? "";
  expect(states).not.toContain("stateDiagram-v2");
  expect(states).toContain(
    "<td><strong>Accepted</strong></td><td>Creating</td><td>checked, not in Azure</td>",
  );
});

/** Where a page that was merged into another sends its reader. */
function leadsOn(html: string): string | undefined {
  return /<meta http-equiv="refresh" content="0; url=([^"]+)">/u.exec(html)?.[1];
}

function linksOf(html: string): readonly string[] {
  return [...html.matchAll(/<a\b[^>]*\bhref="([^"]*)"/gu)].map(([, link = ""]) => link);
}

/** The file that a relative address in a page means. */
function targetOf(name: string, address: string): string {
  const [place = ""] = address.split("#");
  return place === "" ? name : path.posix.join(path.posix.dirname(name), place);
}
