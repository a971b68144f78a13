/** How people sign in, as the service is configured. */
export interface SignInSettings {
  readonly authority: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly scope: string;
  /** A person's scope counts without a role. */
  readonly scopesAssign: boolean;
}

interface PageSettings {
  /** Absent: the service has no SIGIL_UI_CLIENT_ID. */
  readonly signIn?: SignInSettings;
}

/** An answer after this time counts as none. */
export const ANSWER_WITHIN_MS = 20_000;

export async function readSettings(): Promise<PageSettings> {
  const response = await fetch("/api/ui/config.json", {
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  if (!response.ok) throw new Error(`/api/ui/config.json answered ${response.status}.`);
  return (await response.json()) as PageSettings;
}
