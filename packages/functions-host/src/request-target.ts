/**
 * What Kestrel and ASP.NET Core's PathString make of a request's target, as measured on both.
 *
 * Invariants
 * 1. The path is decoded once, and routed so: `%2F` stays, and so does what is no UTF-8. Then dot segments go.
 * 2. A function sees it encoded again: `%7e` as `~`, `[` as `%5B`, and `%2541` as `%41`. The query stays as it was sent.
 * 3. A NUL in the path is refused, and a Host with anything but a host and a port, such as `user@host`.
 */
export interface RequestTarget {
  /** Decoded. */
  readonly path: string;
  readonly url: URL;
}

const UTF8_CHARACTER =
  /%(?:[0-7][\da-f]|[cd][\da-f]%[89ab][\da-f]|e[\da-f](?:%[89ab][\da-f]){2}|f[0-7](?:%[89ab][\da-f]){3})/giu;

function decode(text: string): string {
  return text.replaceAll(UTF8_CHARACTER, (encoded) => {
    if (encoded.toLowerCase() === "%2f") return encoded;
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded; // Overlong, or a surrogate.
    }
  });
}

/** RFC 3986, 5.2.4. */
function withoutDotSegments(path: string): string {
  const kept: string[] = [];
  const segments = path.split("/").slice(1);
  for (const [index, segment] of segments.entries()) {
    const isDots = segment === "." || segment === "..";
    if (segment === "..") kept.pop();
    if (!isDots) kept.push(segment);
    else if (index === segments.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}

/** PathString.ToUriComponent. */
function encode(path: string): string {
  return path.replaceAll(/%[\da-f]{2}|[^\w\-.~!$&'()*+,;=:@/]/giu, (text) =>
    text.length === 3 ? text : encodeURIComponent(text),
  );
}

/** A host as Kestrel takes it (HttpUtilities.IsHostHeaderValid): a name or an address, and a port. */
const AUTHORITY = /^(?:[\w!$&'()\-.~]+|\[[\da-f:.]{3,}\])(?::\d+)?$/iu;

/** Reads the target of a request to `authority`; undefined where it is refused with 400. */
export function readTarget(target: string, authority: string): RequestTarget | undefined {
  const relative = target.replace(/^http:\/\/[^/?]*/iu, "");
  const [sent = ""] = relative.split("?", 1);
  const path = withoutDotSegments(decode(sent));
  const address = `http://${authority}${encode(path)}${relative.slice(sent.length)}`;
  // Invariant 3.
  if (path.includes("\0") || !AUTHORITY.test(authority) || !URL.canParse(address)) return undefined;
  return { path, url: new URL(address) };
}
