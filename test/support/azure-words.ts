/** Matches a message that has these words of Azure's, whole; `<>` stands for what varies. */
export function patternOf(text: string): RegExp {
  const literal = text
    .replace(/\.$/u, "")
    .split("<>")
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/gu, "\\$&"))
    .join(".*");
  return new RegExp(`^${literal}'?\\.?$`, "u");
}
