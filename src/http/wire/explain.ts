/** What went wrong, in words for people: those of undici, OpenSSL and Node say how it was found out. */

const closed = "the server closed it";

/** Messages of undici that say less than they could. */
const plain: ReadonlyMap<string, string> = new Map([
  ["other side closed", closed],
  ["closed", closed],
  ["bad upgrade", "it switches to another protocol, which nobody asked for"],
]);

/** What the parsers of undici and of Node put around their reason. */
const parserMessage = /^(?:Response does not match the HTTP\/1\.1 protocol \((.*)\)|Parse Error: (.*))$/s;

/** The message of an error, also of one of several attempts to connect, which has none itself. */
export function explain(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const said = first instanceof Error ? sayPlainly(first) : "";
  return said === "" ? (codeOf(error) ?? error.name) : said;
}

export function codeOf(error: Error): string | undefined {
  const { code } = error as { code?: unknown };
  return typeof code === "string" ? code : undefined;
}

function sayPlainly(error: Error): string {
  const { message } = error;
  const code = codeOf(error) ?? "";
  switch (code) {
    case "UND_ERR_SOCKET":
      return plain.get(message) ?? message;
    case "UND_ERR_HEADERS_OVERFLOW":
      return "its headers are too long";
    case "UND_ERR_RES_CONTENT_LENGTH_MISMATCH":
      return "it is not as long as its Content-Length says";
    case "ERR_ASSERTION":
      return "it is not what HTTP allows here";
    case "ERR_HTTP2_ERROR":
      return "it breaks the rules of HTTP/2";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
      return "the server does not speak TLS";
    default:
      if (isOfLookup(error)) return lookupFailed(error, code);
      return code.startsWith("ERR_SSL_") ? `TLS: ${reasonOf(error)}` : sayOfParser(message);
  }
}

function sayOfParser(message: string): string {
  const [, ofUndici, reason = ofUndici] = parserMessage.exec(message) ?? [];
  if (reason === undefined) return message;
  if (reason === "Invalid EOF state") return closed;
  return reason.startsWith("Expected HTTP/") ? "it does not begin as HTTP does" : reason;
}

/** OpenSSL puts addresses and the files of its source around it. */
function reasonOf(error: Error): string {
  const { reason } = error as { reason?: unknown };
  return typeof reason === "string" ? reason : error.message.trim();
}

/** Of DNS, or of the system's resolver. */
function isOfLookup(error: Error): error is Error & { readonly hostname: string } {
  const { syscall, hostname } = error as { syscall?: unknown; hostname?: unknown };
  return typeof hostname === "string" && (syscall === "getaddrinfo" || /^query[A-Z]/.test(String(syscall)));
}

function lookupFailed({ hostname }: { readonly hostname: string }, code: string): string {
  const isUnknown = code === "ENOTFOUND" || code === "ENODATA";
  return isUnknown
    ? `no address is known of ${hostname} (${code})`
    : `the DNS server could not tell of ${hostname} (${code})`;
}
