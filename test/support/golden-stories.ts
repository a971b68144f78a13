import { afterAll, afterEach, beforeEach, expect, type RunnerTask as Task } from "vitest";
import { goldenFileOf, readStories, takeTold, writeStories } from "./golden.js";

/*
 * Before each test file of `npm test`: what a story tells is compared with test/golden; `npm run golden` writes it.
 */

const isLeftOut = (task: Task): boolean =>
  task.mode === "skip" || ("tasks" in task && task.tasks.some(isLeftOut));

const { testPath = "" } = expect.getState();
const file = goldenFileOf(testPath);
if (file !== undefined) {
  const isRecorded = process.env["SIGIL_GOLDEN"] === "record";
  const golden = readStories(file);
  const told: Record<string, readonly string[]> = {};

  beforeEach(() => void takeTold());

  afterEach(({ task }) => {
    const lines = takeTold();
    const { currentTestName = "" } = expect.getState();
    // If only a part of a file runs, its versions get other numbers, and so other progress.
    if (task.result?.state === "fail" || task.file.tasks.some(isLeftOut)) return;
    const story = currentTestName in told ? `${currentTestName} (again)` : currentTestName;
    told[story] = lines;
    if (!isRecorded)
      expect(lines, `This differs from ${file}. If the change is right: npm run golden`).toEqual(
        golden[story] ?? [],
      );
  });

  afterAll(() => {
    if (isRecorded) writeStories(file, told);
  });
}
