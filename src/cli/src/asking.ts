import type { Context } from "./command.js";

/** The answer from the terminal, without the spaces around it; empty if nobody answers. */
export async function answerTo({ io }: Context, question: string): Promise<string> {
  io.stderr.write(question);
  for await (const part of io.stdin) return String(part).trim();
  return "";
}
