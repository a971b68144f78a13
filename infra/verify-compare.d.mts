export interface Expectation {
  readonly expects?: unknown;
  readonly falls?: string;
  readonly where?: string;
}

export function compare(
  expectations: Readonly<Record<string, Expectation>>,
  answers: Readonly<Record<string, { readonly answer?: unknown }>>,
): { readonly lines: readonly string[]; readonly differing: number };
