const token = /^[!#$%&'*+\-.^_`|~\w]+$/;
const forbiddenInValue = /[^\t\x20-\x7e\x80-\xff]/;

/** What frames the message on the wire is not for users to say: two answers to it are how requests are smuggled. */
const framing: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "expect",
  "http2-settings",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Says what is wrong with a header, or nothing. Never repeats the value, which may be a secret. */
export function headerProblem(name: string, value: string): string | undefined {
  if (!token.test(name)) return `\`${name}\` is not a header name`;
  if (framing.has(name.toLowerCase())) return `the header \`${name}\` is set by taskwright itself`;
  const forbidden = forbiddenInValue.exec(value)?.[0];
  if (forbidden === undefined) return undefined;
  const code = forbidden.codePointAt(0)!.toString(16).padStart(4, "0").toUpperCase();
  return `the header \`${name}\` has the character U+${code}, which no header can carry`;
}

/** Whether `method` is a token, and not one of those that open a tunnel. */
export function isMethod(method: string): boolean {
  return token.test(method) && method.toUpperCase() !== "CONNECT";
}

const secretNames = /^(?:authorization|cookie|proxy-authorization|set-cookie)$|api-?key|token|secret|password/i;

/** Whether a header of this name may hold a secret. */
export function isSecretHeader(name: string): boolean {
  return secretNames.test(name);
}

/** A header for people: `name: value`, with `***` in place of what may be a secret. */
export function showHeader(name: string, value: string): string {
  if (!isSecretHeader(name)) return `${name}: ${value}`;
  const scheme = /^(?:basic|bearer|digest|negotiate|token) /i.exec(value)?.[0] ?? "";
  return `${name}: ${scheme}***`;
}
