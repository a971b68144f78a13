/** As much of AsyncAPI's parser as a test uses: types are checked where its package is not installed, too. */
declare module "@asyncapi/parser" {
  interface Parsed {
    readonly document?: {
      allOperations(): { all(): readonly unknown[] };
    };
    readonly diagnostics: readonly {
      readonly severity: number;
      readonly message: string;
    }[];
  }
  export class Parser {
    parse(document: string): Promise<Parsed>;
  }
  export function fromFile(parser: Parser, file: string): { parse(): Promise<Parsed> };
}
