import type { Command, Context } from "../command.js";
import { UsageError } from "../exit-codes.js";
import { IMAGE_PLACE, imageIn, VERSION } from "./places.js";

export const OPEN: Command = {
  words: "open",
  summary: "Open the page of an image definition or a version in a browser",
  description: `Also prints the address. Without a browser, as in an SSH session, it only prints the address. Without an image
definition, it opens the start page.`,
  options: [
    ...[...IMAGE_PLACE, VERSION].map((option) => ({
      ...option,
      required: false,
    })),
    {
      names: ["--print"],
      kind: "flag",
      help: "Only print the address.",
    },
  ],
  examples: [["Open a version", "sigil open -g MyResourceGroup -r MyGallery -i MyImage -e 1.0.0"]],
  async run(context) {
    const { io, values, note } = context;
    const address = `${context.endpoint()}/api/ui/${pathIn(context)}`;
    // Escape any character of the endpoint that an address cannot hold.
    const { href } = new URL(address);
    io.stdout.write(`${href}\n`);
    if (!values.boolean("--print") && !(await io.browse(href)))
      note("There is no browser here to open it in.");
    return {};
  },
};

/** Built like the page's own addresses (src/page/src/routes.ts). */
function pathIn(context: Context): string {
  const { values } = context;
  const version = values.text("--gallery-image-version");
  if (!values.text("--gallery-image-definition") && version === undefined) return "";
  const { subscriptionId, resourceGroupName, galleryName, imageName } = imageIn(context);
  const names = [
    "images",
    ...[subscriptionId, resourceGroupName, galleryName, imageName],
    ...(version === undefined ? [] : ["versions", version]),
  ];
  if (names.some((name) => /^\.{1,2}$/u.test(name)))
    throw new UsageError('Nothing is named "." or "..".');
  return names.map(encodeURIComponent).join("/");
}
