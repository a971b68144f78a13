import {
  getImageVersion,
  getOperation,
  listImageVersions,
  patchImageVersion,
  putImageVersion,
} from "./generated/client.js";
import { body, image, pause, tell, token, versionName } from "./story.js";

const options = { headers: { Authorization: `Bearer ${token}` } };
const { subscriptionId, resourceGroupName, galleryName, imageName } = image;
const place = [subscriptionId, resourceGroupName, galleryName, imageName] as const;

const accepted = await putImageVersion(...place, versionName, body, {}, options);
if (accepted.status !== 200 && accepted.status !== 202) throw new Error(accepted.data.detail);

let operation = accepted.data;
while (operation.status === "NotStarted" || operation.status === "Running") {
  await pause();
  const answer = await getOperation(operation.id, {}, options);
  if (answer.status !== 200) throw new Error(answer.data.detail);
  operation = answer.data;
}

const unchanged = await patchImageVersion(...place, versionName, {}, {}, options);
if (unchanged.status !== 200 && unchanged.status !== 202) throw new Error(unchanged.data.detail);
const version = await getImageVersion(...place, versionName, {}, options);
if (version.status !== 200) throw new Error(version.data.detail);
const list = await listImageVersions(...place, { top: 100 }, options);
if (list.status !== 200) throw new Error(list.data.detail);
const refused = await putImageVersion(...place, "1.0", body, {}, options);
if (refused.status === 200 || refused.status === 202) throw new Error("accepted");

tell({
  accepted: accepted.data.kind,
  ended: operation.status,
  unchanged: unchanged.data.status,
  regions: version.data.sigil.regions.map(({ name, state }) => `${name} ${state}`),
  listed: list.data.value.map(({ name }) => name),
  refused: refused.data.errors[0]?.pointer ?? "",
});
