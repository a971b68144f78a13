/** Which galleries and image definitions there are. */
import { NotFoundError, type Client } from "@sigil/client";
import type { Operation } from "./operations.js";
import { nextMs } from "./retry.js";
import { recentImages } from "./recent.js";
import {
  imageKey,
  parseGalleryId,
  parseResourceId,
  type GalleryName,
  type ImageName,
} from "./routes.js";

export interface Galleries {
  readonly galleries: readonly GalleryName[];
  readonly images: readonly ImageName[];
  /** When Sigil read the oldest of these lists. */
  readonly time: string;
  /** When to read them again. */
  readonly nextMs: number;
}

/** As the service lists them; `anew`: not from its hourly cache. */
export async function readGalleries(
  client: Client,
  anew: boolean,
  signal: AbortSignal,
): Promise<Galleries> {
  const header = anew ? ANEW : {};
  const listed = await listOf((query) => client.call("listGalleries", { query, header, signal }));
  const lists = await Promise.all(
    listed.value.flatMap(({ id }) => {
      const gallery = parseGalleryId(id);
      return gallery === undefined
        ? []
        : [
            listOf((query) =>
              client.call("listImages", {
                path: { ...gallery },
                query,
                header,
                signal,
              }),
            ).then(
              (list) => ({ gallery, ...list }),
              (error: unknown) => {
                if (error instanceof NotFoundError) return undefined; // Deleted since they were listed.
                throw error;
              },
            ),
          ];
    }),
  );
  const seen = lists.filter((list) => list !== undefined);
  return {
    galleries: seen.map(({ gallery }) => gallery),
    images: seen.flatMap(({ gallery, value }) =>
      value.map(({ name }) => ({ ...gallery, imageName: name })),
    ),
    time: [listed, ...seen].map(({ time }) => time).sort()[0] ?? listed.time,
    nextMs: Math.min(...[listed, ...seen].map((list) => list.nextMs)),
  };
}

export const ANEW = { "Cache-Control": "no-cache" } as const;

/** Every entry of a list that says when it was read. */
export async function listOf<Item>(
  read: (query: { top: number; continuationToken?: string }) => Promise<{
    readonly headers: Headers;
    readonly body: {
      readonly time: string;
      readonly value: readonly Item[];
      readonly continuationToken?: string;
    };
  }>,
): Promise<{ readonly time: string; readonly nextMs: number; readonly value: readonly Item[] }> {
  const value: Item[] = [];
  let continuationToken: string | undefined;
  for (;;) {
    const { headers, body } = await read({
      top: 100,
      ...(continuationToken !== undefined && { continuationToken }),
    });
    value.push(...body.value);
    ({ continuationToken } = body);
    if (continuationToken === undefined) return { time: body.time, nextMs: nextMs(headers), value };
  }
}

/** Those that were worked on lately, those that were opened here, then those that are listed; each once. */
export function imagesOf(
  operations: readonly Operation[],
  listed: readonly ImageName[],
): readonly ImageName[] {
  const found = new Map<string, ImageName>();
  for (const image of [
    ...operations.map(({ resourceId }) => parseResourceId(resourceId)?.image),
    ...recentImages(),
    ...listed,
  ])
    if (image !== undefined && !found.has(imageKey(image))) found.set(imageKey(image), image);
  return [...found.values()];
}
