import createClient from "openapi-fetch";
import type { paths } from "./generated/schema.js";
import { body, image, origin, pause, tell, token, versionName } from "./story.js";

const IMAGE =
  "/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/galleries/{galleryName}/images/{imageName}/versions";

const client = createClient<paths>({
  baseUrl: `${origin}/api`,
  headers: { Authorization: `Bearer ${token}` },
});
const path = { ...image, versionName };

const { data: accepted } = await client.PUT(`${IMAGE}/{versionName}`, {
  params: { path },
  body,
});
if (accepted === undefined) throw new Error("not accepted");

let operation = accepted;
while (operation.status === "NotStarted" || operation.status === "Running") {
  await pause();
  const { data } = await client.GET("/operations/{operationId}", {
    params: { path: { operationId: operation.id } },
  });
  if (data === undefined) throw new Error("no operation");
  operation = data;
}

const { data: unchanged } = await client.PATCH(`${IMAGE}/{versionName}`, {
  params: { path },
  body: {},
});
const { data: version } = await client.GET(`${IMAGE}/{versionName}`, {
  params: { path },
});
const { data: list } = await client.GET(IMAGE, {
  params: { path: image, query: { top: 100 } },
});
const { error } = await client.PUT(`${IMAGE}/{versionName}`, {
  params: { path: { ...path, versionName: "1.0" } },
  body,
});

tell({
  accepted: accepted.kind,
  ended: operation.status,
  unchanged: unchanged?.status ?? "",
  regions: version?.sigil.regions.map(({ name, state }) => `${name} ${state}`) ?? [],
  listed: list?.value.map(({ name }) => name) ?? [],
  refused: error?.errors[0]?.pointer ?? "",
});
