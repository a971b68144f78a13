// Plants a random sample of faults, one at a time, in a copy of the project, and prints which no test of `npm test` notices:
//   npm run mutation:sample -- --seed '2031 ' --count 200
//   npm run mutation:sample -- --rooms             two faults of each room, by the date: a person reads what lives
// Of the tests that reach a fault, those of test/unit are run first, then the cheapest of the others. A fault is killed by a test
// that fails; the same files pass without it, or they are not used. What runs for ever is killed by its time-out.
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { Instrumenter } from "@stryker-mutator/instrumenter";

const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    count: { type: "string", default: "200" },
    files: { type: "string" },
    rooms: { type: "boolean", default: false },
    each: { type: "string", default: "2" }, // of a room
    seconds: { type: "string", default: "20" }, // of processor time, for unit tests and for others
    processes: { type: "string", default: "2" },
  },
});
const seed = values.seed ?? (values.rooms ? `${new Date().toISOString().slice(0, 10)} ` : "1 ");
/** The page's components are a browser's to try; what is generated has its document's tests. */
const ROOMS = "src/**/*.ts";
const NO_ROOM = /\/(?:dist|generated|components|node_modules)\/|\.d\.ts$|^src\/client\//u;
const FILES = values.rooms ? ROOMS : "src/image-version/{state,latest,commands}/**/*.ts";
/** A folder of src; of the large ones each folder of theirs. */
const roomOf = (file) =>
  /^src\/(?:(?:image-version|azure|http|cli\/src|page\/src)\/)?[^/]+(?=\/)/u.exec(file)?.[0] ??
  "src";
const copy = mkdtempSync(path.join(tmpdir(), "sigil-mutation-"));
const report = (name) => path.join(copy, `${name}.json`);

/** The faults of the files; the code that is returned has the chosen ones. */
async function instrumented(files, isChosen) {
  const instrumenter = new Instrumenter({
    debug() {},
    info() {},
    isDebugEnabled: () => false,
  });
  const transform = instrumenter._transform; // what is not chosen is ignored where it is collected: the rest runs as fast as without
  instrumenter._transform = (ast, collector, context) => {
    const collect = collector.collect.bind(collector);
    collector.collect = (...args) => {
      const fault = collect(...args);
      if (!isChosen(fault.toApiMutant())) fault.ignoreReason = "not chosen";
      return fault;
    };
    return transform(ast, collector, context);
  };
  const contents = files.map((name) => ({
    name,
    mutate: true,
    content: readFileSync(name, "utf8"),
  }));
  return instrumenter.instrument(contents, {
    plugins: null,
    ignorers: [],
    excludedMutations: [],
  });
}

const keyOf = ({ fileName, location: { start, end }, replacement }) =>
  `${fileName}:${start.line + 1}:${start.column + 1}-${end.line + 1}:${end.column + 1} ${replacement}`;
const hashOf = (fault) =>
  createHash("sha256")
    .update(seed + keyOf(fault))
    .digest("hex");

function shown({ fileName, location: { start, end }, replacement }) {
  const lines = readFileSync(fileName, "utf8")
    .split("\n")
    .slice(start.line, end.line + 1);
  lines.push(lines.pop().slice(0, end.column));
  lines[0] = lines[0].slice(start.column);
  const [from, to] = [lines.join(" "), replacement].map((text) =>
    text.replaceAll(/\s+/gu, " ").slice(0, 160),
  );
  return `${fileName}:${start.line + 1}:${start.column + 1} ${from} -> ${to}`;
}

/** Runs test files in the copy. Gives the tests that failed; undefined where they did not end. */
async function run(name, files, { fault, timeoutMs, covered } = {}) {
  rmSync(report(name), { force: true });
  const child = spawn(
    process.execPath,
    [
      "node_modules/vitest/vitest.mjs",
      "run",
      "-c",
      "test/mutation/sample.config.ts",
      "--project",
      "fast",
      "--silent",
      "--reporter=json",
      `--outputFile=${report(name)}`,
      ...(fault ? ["--bail=1"] : []),
      ...files,
    ],
    {
      cwd: copy,
      stdio: "ignore",
      detached: true,
      env: {
        ...process.env,
        __STRYKER_ACTIVE_MUTANT__: fault ?? "",
        SIGIL_COVERED: covered ?? "",
      },
    },
  );
  let isOverTime = false;
  const timer = setTimeout(() => {
    isOverTime = true;
    process.kill(-child.pid, "SIGKILL");
  }, timeoutMs ?? 3_600_000);
  await new Promise((resolve) => child.once("close", resolve));
  clearTimeout(timer);
  if (isOverTime) return undefined;
  // A process that ends without a report has found nothing: that is thrown.
  const { testResults: results } = JSON.parse(readFileSync(report(name), "utf8"));
  return results.flatMap(({ name: file, message, assertionResults }) => {
    const failed = assertionResults.filter(({ status }) => status === "failed");
    const broken =
      failed.length === 0 && message !== "" && !message.includes("No test suite found"); // a file after --bail has none
    const why = failed.map(
      ({ fullName, failureMessages: [first] }) => `${fullName}: ${first?.split("\n")[0]}`,
    );
    return (broken ? [message] : why).map((text) => ({
      file: path.relative(copy, file),
      text,
    }));
  });
}

async function sample() {
  const files = globSync(values.files ?? FILES)
    .filter((file) => !values.rooms || !NO_ROOM.test(file))
    .sort();
  const all = (await instrumented(files, () => false)).mutants;
  const inOrder = all
    .map((fault) => ({ key: keyOf(fault), hash: hashOf(fault), room: roomOf(fault.fileName) }))
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const drawn = values.rooms
    ? Object.values(Object.groupBy(inOrder, ({ room }) => room)).flatMap((room) =>
        room.slice(0, Number(values.each)),
      )
    : inOrder.slice(0, Number(values.count));
  const chosen = new Set(drawn.map(({ key }) => key));
  execFileSync("bash", [
    "-c",
    `git ls-files -coz --exclude-standard | xargs -0 cp --parents -t ${copy} && cp -al node_modules ${copy}/ && cp -a --parents src/generated src/client/src/generated src/client/dist ${copy}/`,
  ]);
  const { files: sources, mutants } = await instrumented(files, (fault) =>
    chosen.has(keyOf(fault)),
  );
  for (const { name, content } of sources) writeFileSync(path.join(copy, name), content);
  const faults = mutants.filter(({ status }) => status !== "Ignored");
  console.log(`${faults.length} of ${all.length} faults, seed ${JSON.stringify(seed)}, in ${copy}`);

  const covered = path.join(copy, "covered.txt");
  writeFileSync(covered, "");
  const red = new Set(
    (
      await run("all", ["test/unit", "test/contract", "test/model"], {
        covered,
      })
    ).map(({ file }) => file),
  );
  for (const file of red) console.log(`fails without a fault, not used: ${file}`);
  const tests = readFileSync(covered, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(({ file }) => !red.has(file));
  const atLoad = new Set(tests.flatMap(({ loaded }) => loaded));

  const ends = {
    "killed by unit tests": 0,
    "killed by other tests": 0,
    lives: 0,
    "reached by none": 0,
  };
  const queue = [...faults];
  const work = async (_, place) => {
    for (let fault; (fault = queue.shift());) {
      const reaching = tests
        .filter(({ reached }) => reached.includes(fault.id) || atLoad.has(fault.id))
        .sort((a, b) => a.seconds - b.seconds);
      const cheapest = (isUnit) => {
        let left = Number(values.seconds);
        return reaching.filter(({ file, seconds }) => {
          if (file.startsWith("test/unit/") !== isUnit || left <= 0) return false;
          left -= seconds;
          return true;
        });
      };
      let end = reaching.length === 0 ? "reached by none" : "lives";
      let by = "";
      for (const [killed, some] of [
        ["killed by unit tests", cheapest(true)],
        ["killed by other tests", cheapest(false)],
      ]) {
        if (end !== "lives" || some.length === 0) continue;
        const seconds = some.reduce((sum, one) => sum + one.seconds, 0);
        const failed = await run(
          `process-${place}`,
          some.map(({ file }) => file),
          { fault: fault.id, timeoutMs: (60 + 10 * seconds) * 1000 },
        );
        if (failed?.length === 0) continue;
        end = killed;
        by = failed ? `${failed[0].file} ${failed[0].text}` : "runs for ever";
      }
      ends[end] += 1;
      console.log(`${end}: ${shown(fault)}${by && ` | ${by.slice(0, 300)}`}`);
    }
  };
  await Promise.all(Array.from({ length: Number(values.processes) }, work));
  console.log(
    Object.entries(ends)
      .map(([end, many]) => `${end}: ${many}`)
      .join(", "),
  );
}

try {
  await sample();
} finally {
  rmSync(copy, { recursive: true, force: true });
}
