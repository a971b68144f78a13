/** Small apps that Sigil is measured against, in the same host, with the packages of this repository. */
import {
  copyFile,
  mkdir,
  mkdtemp,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export interface SmallApp {
  readonly folder: string;
  remove(): Promise<void>;
}

/** An app of one file. */
export async function writeApp(source: string): Promise<SmallApp> {
  const folder = await mkdtemp(path.join(tmpdir(), "small-app-"));
  await mkdir(path.join(folder, "functions"));
  await copyFile("host.json", path.join(folder, "host.json"));
  await writeFile(
    path.join(folder, "package.json"),
    JSON.stringify({ type: "module", main: "functions/*.js" }),
  );
  await writeFile(path.join(folder, "functions/app.js"), source);
  await symlink(
    path.resolve("node_modules"),
    path.join(folder, "node_modules"),
  );
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** With a trigger of each kind that Sigil has; none does anything. */
export const HELLO_WORLD = `import { app } from "@azure/functions";
app.http("hello", { authLevel: "anonymous", handler: () => ({ body: "Hello, world!" }) });
app.serviceBusQueue("queue", { connection: "ServiceBusConnection", queueName: "image-version-requests", handler: () => undefined });
app.timer("timer", { schedule: "0 0 0 1 1 *", handler: () => undefined });
`;

/** The least that an operation can be accepted with: its body in one row, a second row that lists it, and a message. */
export const FLOOR = `import { randomUUID } from "node:crypto";
import { app } from "@azure/functions";
import { TableClient } from "@azure/data-tables";
import { ServiceBusClient } from "@azure/service-bus";
const rows = TableClient.fromConnectionString(process.env.AzureWebJobsStorage, "Floor", { allowInsecureConnection: true });
const created = rows.createTable();
const sender = new ServiceBusClient(process.env.ServiceBusConnection).createSender("image-version-requests-rejected");
app.http("floor", {
  authLevel: "anonymous",
  methods: ["PUT"],
  handler: async (request) => {
    const id = randomUUID();
    const body = await request.json();
    await created;
    await rows.createEntity({ partitionKey: id, rowKey: "operation", document: JSON.stringify(body) });
    await rows.createEntity({ partitionKey: "operations", rowKey: id, target: id });
    await sender.sendMessages({ messageId: id, body: { operationId: id } });
    return { status: 202, jsonBody: { id, ...body } };
  },
});
`;
