import type { Flags } from "../flags.ts";

/** Who asks, and how servers are reached. */
export const connecting: Flags = {
  user: {
    short: "u",
    value: "NAME:PASSWORD",
    excludes: ["oauth2-bearer"],
    help: "log in by basic authentication",
    more: "At every host of the list. A request with credentials in its URL, or with an Authorization header, keeps those.",
  },
  "oauth2-bearer": { also: ["bearer"], value: "TOKEN", help: "send this token as `Authorization: Bearer`" },
  netrc: {
    short: "n",
    help: "log in as $NETRC or ~/.netrc says, host by host",
    more: "Where the file has nothing for a host, nothing is sent. Flags and requests that say who to be count more.",
  },
  "user-agent": { short: "A", value: "NAME", help: "default taskwright/VERSION" },
  referer: { short: "e", value: "URL", help: "send this Referer header" },
  cookie: {
    short: "b",
    value: "NAME=VALUE|FILE",
    isRepeatable: true,
    help: "send this cookie, or those of a file where they belong",
    more: "The file is one of browsers, curl or wget. With it, what servers set goes along with later requests, too; an empty name begins without any. NAME=VALUE goes to all hosts.",
  },
  "cookie-jar": {
    value: "FILE",
    help: "keep what servers set, and write all cookies to this file",
    more: "When the run ends, also by Ctrl-C. Only you can read the file, which -b takes again.",
  },
  proxy: {
    short: "x",
    value: "URL",
    excludes: ["no-private-hosts"],
    help: "go through this proxy: [https://]HOST[:PORT]",
    more: "Without a port 1080 is meant. Requests to https go through a tunnel. The default is what http_proxy, https_proxy, all_proxy and no_proxy in the environment say; an empty URL is no proxy.",
  },
  "proxy-user": { short: "U", value: "NAME:PASSWORD", help: "log in at the proxy" },
  noproxy: { value: "HOSTS", help: "hosts to reach without a proxy; * for all" },
  insecure: { short: "k", help: "accept any TLS certificate" },
  cacert: { value: "FILE", help: "trust these authorities (PEM), and no others" },
  cert: {
    short: "E",
    value: "FILE[:PASSWORD]",
    help: "show servers this certificate (PEM)",
    more: "The file may hold the key as well.",
  },
  key: { value: "FILE", help: "the private key of that certificate" },
  pass: { value: "PASSWORD", help: "the password of the key" },
  http2: { excludes: ["http2-prior-knowledge"], help: "speak HTTP/2 with https servers that do" },
  "http2-prior-knowledge": { help: "speak HTTP/2 with all servers, also without TLS" },
  "dns-servers": { value: "ADDRESSES", help: "ask these for names: 10.0.0.2,[::1]:5353" },
  resolve: {
    value: "HOST:PORT:ADDRESS",
    isRepeatable: true,
    help: "go there for that host and port, whatever DNS says",
    more: "Several addresses are separated by commas, and one of IPv6 may stand in brackets. Requests and TLS still use the name of the host.",
  },
  "no-private-hosts": {
    help: "refuse to connect to addresses that are not public",
    more: "Loopback, private networks, link-local addresses such as the metadata of clouds: for lists that others wrote. What is looked at is the address that is connected to.",
  },
};
