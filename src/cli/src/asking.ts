import type { Context } from "./command.js";

/** What somebody at the terminal answers, without the spaces around it; empty where nobody does. */
export async function answerTo({ io }: Context, question: string): Promise<string> {
  io.stderr.write(question);
  for await (const part of io.stdin) return String(part).trim();
  return "";
}
