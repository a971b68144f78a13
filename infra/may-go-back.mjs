// Checks whether the kept package reads what the published one may have stored. If not, it would answer 503 StateTooNew.
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
    `${kept} (${read.version}) cannot read what ${published} (${stored.version}) may have stored: schema ${stored.schema}. It was not published. Fix the newer package and deploy it.`,
  );
  process.exit(1);
}
