import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { COMMANDS } from "../../src/cli/src/commands/all.js";

let site: string;
/** Of each file, by its path in the site; what is no text is empty. */
let files: ReadonlyMap<string, string>;

beforeAll(async () => {
  site = await mkdtemp(path.join(tmpdir(), "sigil-site-test-"));
  await promisify(execFile)(process.execPath, ["docs/site.mjs", site]);
  files = new Map(
    await Promise.all(
      (await listed(site)).map(
        async (name) =>
          [name, await readFile(path.join(site, name), "utf8")] as const,
      ),
    ),
  );
});
afterAll(() => rm(site, { recursive: true, force: true }));

async function listed(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, {
    recursive: true,
    withFileTypes: true,
  });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path
        .relative(folder, path.join(entry.parentPath, entry.name))
        .replaceAll("\\", "/"),
    );
}

function pages(): readonly (readonly [string, string])[] {
  const found = [...files].filter(([name]) => name.endsWith(".html"));
  expect(found.length).toBeGreaterThan(30);
  return found;
}

test("every document has its page, and every page leads to every other", async () => {
  const documents = (await listed("docs")).filter((name) =>
    name.endsWith(".md"),
  );
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
    for (const [other] of pages()) expect(linked, name).toContain(other);
    expect(html.match(/<h1 /gu), name).toHaveLength(1);
    expect(html, name).toMatch(/<title>[^<]+<\/title>/u);
  }
});

test("every link and anchor within the site leads somewhere", () => {
  for (const [name, html] of pages())
    for (const link of linksOf(html)) {
      if (/^https?:\/\//u.test(link)) continue;
      const target = targetOf(name, link);
      expect(files.has(target), `${link} in ${name}`).toBe(true);
      const anchor = link.split("#")[1];
      if (anchor !== undefined)
        expect(files.get(target), `${link} in ${name}`).toContain(
          ` id="${anchor}"`,
        );
    }
});

test("a command's old address, on the one page of all commands, leads to its page", () => {
  const page = files.get("docs/reference/cli.html") ?? "";
  for (const { words } of COMMANDS) {
    const anchor = `sigil-${words.replaceAll(" ", "-")}`;
    expect(page).toMatch(
      new RegExp(
        `<a id="${anchor}"></a><a href="cli/[a-z-]+\\.html#${anchor}">`,
        "u",
      ),
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
      ...text.matchAll(
        /<(?:img|link|script|iframe|object|embed|source|use)\b[^>]*/gu,
      ),
    ].flatMap(([tag]) =>
      [...tag.matchAll(/\b(?:src|href|data|srcset)="([^"]*)"/gu)].map(
        ([, address = ""]) => address,
      ),
    );
    const inStyles = [...text.matchAll(/\burl\(\s*["']?([^"')]+)/gu)].map(
      ([, address = ""]) => address,
    );
    for (const address of [...fetched, ...inStyles])
      expect(files.has(targetOf(name, address)), `${address} in ${name}`).toBe(
        true,
      );
    if (name.endsWith(".html")) expect(fetched.length, name).toBeGreaterThan(3);
  }
});

test("a code, a task and an option are found, and what is found is there", () => {
  const { INDEX } = runInNewContext(
    `${files.get("search.js") ?? ""}; globalThis`,
  ) as {
    readonly INDEX: readonly (readonly [
      title: string,
      kind: string,
      address: string,
      words: string,
    ])[];
  };
  const found = (word: string): readonly string[] =>
    INDEX.filter(([title, , , words]) =>
      `${title.toLowerCase()} ${words}`.includes(word.toLowerCase()),
    ).map(([, , address]) => address);
  expect(found("KeyExpiring")).toContain("docs/how-to/rotate-a-key.html");
  expect(found("undo a deletion")).toContain(
    "docs/how-to/undo-a-deletion.html",
  );
  expect(found("--increment")).toContain(
    "docs/reference/cli/image-version-create.html",
  );
  for (const [, kind, address] of INDEX) {
    expect(files.has(address), address).toBe(true);
    expect(kind).not.toBe("");
  }
});

test("ways to do the same are tabs, and each page says what is before and after it", () => {
  const page = files.get("docs/how-to/roll-out-by-waves.html") ?? "";
  expect(page).toContain('data-name="curl" aria-controls="w1-curl"');
  expect(page).toContain('<p class="before">');
  expect(page).toMatch(
    /rel="prev"><small>Previous<\/small>Hold a version back/u,
  );
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

function linksOf(html: string): readonly string[] {
  return [...html.matchAll(/<a\b[^>]*\bhref="([^"]*)"/gu)].map(
    ([, link = ""]) => link,
  );
}

/** The file that a relative address in a page means. */
function targetOf(name: string, address: string): string {
  const [place = ""] = address.split("#");
  return place === "" ? name : path.posix.join(path.posix.dirname(name), place);
}
