/**
 * Where a call comes from: the last address of X-Forwarded-For, which Azure's front end has added itself, as `1.2.3.4:5678`; those before it
 * the caller may have made up. Undefined where no front end stands between.
 */
export function addressOf(headers: { get(name: string): string | null }): string | undefined {
  const last = (headers.get("x-forwarded-for") ?? "").split(",").at(-1)?.trim();
  if (last === undefined || last === "") return undefined;
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/u.exec(last) ?? [];
  return v6 ?? v4 ?? last;
}
