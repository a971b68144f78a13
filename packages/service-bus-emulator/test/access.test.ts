import { createServer } from "node:net";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { parseEmulatorConfiguration } from "../src/configuration.js";
import { startServiceBusEmulator } from "../src/emulator.js";
import { configurationOf, connect, peekLock, start } from "./support.js";

test("a token signed with another key is refused", async () => {
  const { emulator } = await start();
  const client = connect(emulator.connectionString.replace("SAS_KEY_VALUE", "another"));
  await expect(client.createSender("q").sendMessages({ body: "x" })).rejects.toMatchObject({
    code: "UnauthorizedAccess",
    message: expect.stringContaining("signature") as string,
  });
});

test("an unknown key name is refused", async () => {
  const { emulator } = await start();
  const client = connect(emulator.connectionString.replace("RootManage", "Other"));
  await expect(client.createSender("q").sendMessages({ body: "x" })).rejects.toMatchObject({
    code: "UnauthorizedAccess",
  });
});

test("an unknown entity fails with MessagingEntityNotFound", async () => {
  const { client } = await start();
  await expect(client.createSender("none").sendMessages({ body: "x" })).rejects.toMatchObject({
    code: "MessagingEntityNotFound",
  });
  await expect(
    peekLock(client, "t", "none").receiveMessages(1, { maxWaitTimeInMs: 1 }),
  ).rejects.toMatchObject({ code: "MessagingEntityNotFound" });
});

test("a taken port is one clear line", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  await expect(
    startServiceBusEmulator({
      configuration: parseEmulatorConfiguration(configurationOf({})),
      port,
    }),
  ).rejects.toThrow(new RegExp(`^Port ${port} is taken: stop what listens there, .*\\.$`, "u"));
});

test("close may be called again", async () => {
  const { emulator, client } = await start();
  await client.createSender("q").sendMessages({ body: "x" });
  await client.close();
  await emulator.close();
  await emulator.close();
});

test("counts of an unknown entity are a mistake of the caller", async () => {
  const { emulator } = await start();
  expect(() => emulator.counts("none")).toThrow(TypeError);
});
