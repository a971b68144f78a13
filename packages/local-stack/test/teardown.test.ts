import { expect, test } from "vitest";
import { Teardown } from "../src/teardown.js";

const nothing = () => Promise.resolve();

test("closes what was started in reverse order, once", async () => {
  const teardown = new Teardown();
  const closed: string[] = [];
  for (const name of ["services", "host"])
    await teardown.add(
      () => Promise.resolve(name),
      (started) => Promise.resolve(closed.push(started)),
    );

  await Promise.all([teardown.run(), teardown.run()]);

  expect(closed).toEqual(["host", "services"]);
});

test("closes what is still starting when the program ends (invariant 1)", async () => {
  const teardown = new Teardown();
  const closed: string[] = [];
  let started: (name: string) => void = () => undefined;
  const starting = teardown.add(
    () => new Promise<string>((resolve) => (started = resolve)),
    (name) => Promise.resolve(closed.push(name)),
  );
  const ended = teardown.run();
  started("host");

  await ended;

  expect(await starting).toBe("host");
  expect(closed).toEqual(["host"]);
});

test("has nothing to close of what could not start", async () => {
  const teardown = new Teardown();
  const starting = teardown.add(
    () => Promise.reject(new Error("port taken")),
    () => Promise.reject(new Error("closed what never was")),
  );

  await expect(starting).rejects.toThrow("port taken");
  await teardown.run();
});

test("starts nothing once it closes (invariant 2)", async () => {
  const teardown = new Teardown();
  await teardown.run();

  await expect(teardown.add(nothing, nothing)).rejects.toThrow("being closed");
});

test("closes the others when one cannot be closed, and tells it (invariant 3)", async () => {
  const teardown = new Teardown();
  const closed: string[] = [];
  await teardown.add(nothing, () => Promise.resolve(closed.push("services")));
  await teardown.add(nothing, () => Promise.reject(new Error("stuck")));

  await expect(teardown.run()).rejects.toThrow("stuck");

  expect(closed).toEqual(["services"]);
});
