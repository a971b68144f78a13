/**
 * The caller's address: the last one of X-Forwarded-For, such as `1.2.3.4:5678`, which Azure's
 * front end added. The caller may have made up those before it. Undefined: there is no front end.
 */
export function addressOf(headers: { get(name: string): string | null }): string | undefined {
  const last = (headers.get("x-forwarded-for") ?? "").split(",").at(-1)?.trim();
  if (last === undefined || last === "") return undefined;
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/u.exec(last) ?? [];
  return v6 ?? v4 ?? last;
}
