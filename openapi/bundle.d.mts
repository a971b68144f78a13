/** As much of an AsyncAPI 3.0 document as is looked into; it has the rest as well. */
export interface AsyncApiDocument {
  readonly asyncapi: string;
  readonly channels: Readonly<
    Record<
      string,
      {
        readonly address: string;
        readonly messages: Readonly<Record<string, Reference>>;
      }
    >
  >;
  readonly components: {
    readonly messages: Readonly<
      Record<
        string,
        {
          readonly title: string;
          readonly summary: string;
          readonly payload: Reference;
          readonly examples: readonly {
            readonly name: string;
            readonly headers?: Readonly<Record<string, unknown>>;
            readonly payload: unknown;
          }[];
        }
      >
    >;
    readonly schemas: Readonly<Record<string, object>>;
  };
}

interface Reference {
  readonly $ref: string;
}

export function bundle(
  document: AsyncApiDocument,
  shared: Readonly<Record<string, object>>,
): AsyncApiDocument;
