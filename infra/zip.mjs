import { inflateRawSync } from "node:zlib";

/** A file of a zip that `npm run package` wrote (APPNOTE.TXT 4.3); undefined if the zip does not have it. */
export function fileIn(zip, wanted) {
  let at = zip.readUInt32LE(zip.lastIndexOf("PK\x05\x06") + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const [name, extra, comment] = [28, 30, 32].map((field) => zip.readUInt16LE(at + field));
    if (zip.toString("utf8", at + 46, at + 46 + name) === wanted) {
      const header = zip.readUInt32LE(at + 42);
      const begin = header + 30 + zip.readUInt16LE(header + 26) + zip.readUInt16LE(header + 28);
      const content = zip.subarray(begin, begin + zip.readUInt32LE(at + 20));
      const stored = zip.readUInt16LE(at + 10) === 0;
      return String(stored ? content : inflateRawSync(content));
    }
    at += 46 + name + extra + comment;
  }
  return undefined;
}
