import { readdirSync } from "node:fs";

/** The sources of what is deployed: not who calls the API, the page among them. */
export const PRODUCT_FILES: readonly string[] = ["functions", "src"]
  .flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: "utf8" }).map(
      (file) => `${folder}/${file.replaceAll("\\", "/")}`,
    ),
  )
  .filter((file) => /^(?!src\/(?:cli|client|page)\/).*\.ts$/u.test(file));
