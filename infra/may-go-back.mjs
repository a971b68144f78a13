// Says whether a package may follow another one: not where it would answer 503 StateTooNew for what that has stored.
//
//   node infra/may-go-back.mjs PUBLISHED.zip KEPT.zip
import { readFileSync } from "node:fs";
import { fileIn } from "./zip.mjs";

const [, , published, kept] = process.argv;
const [stored, read] = [published, kept].map((file) => {
  const { version, schema = 0 } = JSON.parse(fileIn(readFileSync(file), "package.json"));
  return { version, schema };
});
if (read.schema < stored.schema) {
  console.error(
    `${kept} (${read.version}) does not read what ${published} (${stored.version}) may have stored: schema ${stored.schema}. It is not published. Mend the newer one, and deploy that.`,
  );
  process.exit(1);
}
