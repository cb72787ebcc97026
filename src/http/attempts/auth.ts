import { wrong } from "../request/check.ts";
import { mergeHeaders } from "../request/request-headers.ts";
import { NetrcFile } from "./netrc.ts";

/** What is to be authorized. */
export interface AuthRequest {
  /** `GET` or another. */
  readonly method: string;
  /** With its query. */
  readonly url: string;
  /** Whether it was sent already with what this function gave for it, and answered with 401. */
  readonly wasRefused: boolean;
}

/** Gives the value of the `Authorization` header, such as `Bearer ...`; undefined for none. */
export type AuthFunction = (request: AuthRequest) => string | undefined | PromiseLike<string | undefined>;

/** Who one is: a name and a password, a token, a function, or `"netrc"` for the file that curl reads too. */
export type AuthOption =
  | { readonly username: string; readonly password: string }
  | { readonly bearer: string }
  | AuthFunction
  | "netrc";

/** The same, checked. */
export interface Auth {
  /** The value of the header. */
  readonly authorize: AuthFunction;
  /** The same, where it is always the same. */
  readonly value?: string;
  /** Whether to ask once more after a 401: it may have a fresh token then. */
  readonly canRefresh: boolean;
}

/** @throws {TypeError} it is none of them. No message shows a secret. */
export function readAuth(given: AuthOption): Auth {
  if (typeof given === "function") return { authorize: given, canRefresh: true };
  if (given === "netrc") {
    const file = new NetrcFile();
    return { authorize: async ({ url }) => basic(await file.find(new URL(url).hostname)), canRefresh: false };
  }
  const value = headerOf(given);
  mergeHeaders([], { authorization: value });
  return { authorize: () => value, value, canRefresh: false };
}

function headerOf(given: Exclude<AuthOption, AuthFunction | "netrc">): string {
  const fields = (typeof given === "object" && given !== null ? given : {}) as Record<string, unknown>;
  const { bearer, username, password } = fields;
  if (typeof bearer === "string" && username === undefined) return `Bearer ${bearer}`;
  if (typeof username === "string" && typeof password === "string" && bearer === undefined) {
    if (username.includes(":"))
      throw new TypeError("Expected `auth.username` to have no colon: HTTP has no way to send it");
    return basic({ login: username, password })!;
  }
  const expected = '{ username, password }, { bearer }, a function or "netrc"';
  throw new TypeError(wrong("auth", expected, typeof given === "string" ? "***" : given));
}

function basic(entry: { readonly login: string; readonly password: string } | undefined): string | undefined {
  if (entry === undefined) return undefined;
  return `Basic ${Buffer.from(`${entry.login}:${entry.password}`).toString("base64")}`;
}
