import { client } from "./generated/client.gen.js";
import {
  getImageVersion,
  getOperation,
  listImageVersions,
  patchImageVersion,
  putImageVersion,
} from "./generated/sdk.gen.js";
import { body, image, origin, pause, tell, token, versionName } from "./story.js";

client.setConfig({ baseUrl: `${origin}/api`, auth: token });
const path = { ...image, versionName };

const { data: accepted } = await putImageVersion({
  path,
  body,
  throwOnError: true,
});

let operation = accepted;
while (operation.status === "NotStarted" || operation.status === "Running") {
  await pause();
  ({ data: operation } = await getOperation({
    path: { operationId: operation.id },
    throwOnError: true,
  }));
}

const { data: unchanged } = await patchImageVersion({
  path,
  body: {},
  throwOnError: true,
});
const { data: version } = await getImageVersion({ path, throwOnError: true });
const { data: list } = await listImageVersions({
  path: image,
  query: { top: 100 },
  throwOnError: true,
});
const { error } = await putImageVersion({
  path: { ...path, versionName: "1.0" },
  body,
});

tell({
  accepted: accepted.kind,
  ended: operation.status,
  unchanged: unchanged.status,
  regions: version.sigil.regions.map(({ name, state }) => `${name} ${state}`),
  listed: list.value.map(({ name }) => name),
  refused: error?.errors[0]?.pointer ?? "",
});
