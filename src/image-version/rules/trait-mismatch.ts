import { imageIdOf } from "../../resource-id.js";
import { found } from "../../bounded-reads.js";
import type { Breach, GatheredSubject } from "./rule.js";
import { sourceOf } from "./source.js";
import type { ImageDefinition } from "../resources.js";

/** The option of `az sig image-definition create` for each trait that source and definition must share. */
const OPTIONS = {
  osType: "--os-type",
  osState: "--os-state",
  hyperVGeneration: "--hyper-v-generation",
  architecture: "--architecture",
} as const satisfies Partial<Record<keyof ImageDefinition, string>>;

/**
 * The breach if the source shows another value of a trait than the image definition, ignoring case.
 */
export function traitMismatch(
  { id, request, gathered }: GatheredSubject,
  trait: keyof typeof OPTIONS,
): readonly Breach[] {
  const definition = found(gathered.imageDefinition);
  const shown = sourceOf(request, gathered)?.[trait];
  if (definition === undefined || shown === undefined) return [];
  const wanted = definition[trait];
  if (shown.value.toLowerCase() === wanted.toLowerCase()) return [];
  return [
    {
      pointer: shown.pointer,
      message: `The ${trait} of the source ${shown.id} is ${shown.value}; that of the image definition ${imageIdOf(id)} is ${wanted}.`,
      remediation: `Use an image definition for ${shown.value} (az sig image-definition create ${OPTIONS[trait]} ${shown.value} …), or a source whose ${trait} is ${wanted}.`,
    },
  ];
}
