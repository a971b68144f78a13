/** A person who can sign in with the local issuer, without a password. */
export interface Person {
  readonly username: string;
  readonly name: string;
  readonly roles: readonly string[];
}

/** One for each role of Sigil's API. */
export const LOCAL_PEOPLE = [
  {
    username: "reader",
    name: "Reader",
    roles: ["ImageVersions.Read"],
  },
  {
    username: "writer",
    name: "Writer",
    roles: ["ImageVersions.Write"],
  },
  {
    username: "admin",
    name: "Admin",
    roles: ["ImageVersions.Admin"],
  },
  {
    username: "approver",
    name: "Approver",
    roles: ["ImageVersions.Approve"],
  },
] as const satisfies readonly Person[];

/** A public client: a page or a program that has no secret. Its redirects are any address on this machine. */
export const LOCAL_PUBLIC_CLIENT = {
  clientId: "00000000-0000-4000-8000-0000000ba9e1",
  /** The granted scopes; the person's roles limit them. */
  scopes: [
    "ImageVersions.Read",
    "ImageVersions.Write",
    "ImageVersions.Admin",
    "ImageVersions.Approve",
  ],
} as const;
