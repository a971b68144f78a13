import { whoText, type Requester } from "../who-text.js";

export function Who({ requester }: { readonly requester: Requester | undefined }) {
  const { appId, objectId } = requester ?? {};
  const ids = [objectId && `object id ${objectId}`, appId && `application id ${appId}`].filter(
    Boolean,
  );
  return <span {...(ids.length > 0 && { title: ids.join(", ") })}>{whoText(requester)}</span>;
}
