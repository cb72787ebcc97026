import type { HttpRequestOptions, SessionOptions } from "../options.ts";
import type { CookieJar } from "../cookie-jar.ts";
import type { HttpCache } from "../http-cache.ts";
import { type Auth, readAuth } from "./auth.ts";
import { readCache } from "./cached.ts";
import { readCookies } from "./cookies.ts";
import { type HttpHooks, readHooks } from "./hooks.ts";
import { type Propagation, readPropagation } from "./propagation.ts";
import { type RedirectRules, readRedirect } from "./redirect-rules.ts";
import { type RetryRules, readRetry } from "./retry-rules.ts";

/** What a conversation does beyond sending one request and taking its answer. */
export interface Rules {
  readonly retry: RetryRules | undefined;
  readonly redirect: RedirectRules | undefined;
  /** For the origin of the request alone, wherever it leads. */
  readonly auth: Auth | undefined;
  readonly cookies: CookieJar | undefined;
  readonly cache: HttpCache | undefined;
  readonly hooks: HttpHooks | undefined;
  readonly propagation: Propagation | undefined;
}

/** The rules of a session, made once. */
export class RuleMaker {
  readonly #rules: Rules | undefined;
  readonly #rulesElsewhere: Rules | undefined;

  /**
   * @param baseOrigin - to which alone the session's credentials go, if there is one
   * @throws {TypeError | RangeError} an option is wrong
   */
  constructor(options: SessionOptions, baseOrigin: string | undefined) {
    const rules: Rules = {
      retry: readRetry(options.retry ?? true, undefined),
      redirect: readRedirect(options.redirect ?? true, undefined),
      auth: options.auth === undefined ? undefined : readAuth(options.auth),
      cookies: readCookies(options.cookies, undefined),
      cache: readCache(options.cache, undefined),
      hooks: readHooks(options.hooks),
      propagation: readPropagation(options),
    };
    this.#rules = rulesOrNone(rules);
    this.#rulesElsewhere = baseOrigin === undefined ? this.#rules : rulesOrNone({ ...rules, auth: undefined });
  }

  /**
   * The rules of one request; undefined if there are none, and it is just sent.
   *
   * @param isElsewhere - whether it goes to another origin than the session's
   * @throws {TypeError | RangeError} an option is wrong
   */
  rulesFor(isElsewhere: boolean, options: HttpRequestOptions | undefined): Rules | undefined {
    const rules = isElsewhere ? this.#rulesElsewhere : this.#rules;
    if (options === undefined) return rules;
    const { retry, redirect, auth, cookies, cache } = options;
    if ((retry ?? redirect ?? auth ?? cookies ?? cache) === undefined) return rules;
    return rulesOrNone({
      ...(rules ?? noRules),
      retry: readRetry(retry, rules?.retry),
      redirect: readRedirect(redirect, rules?.redirect),
      cookies: readCookies(cookies, rules?.cookies),
      cache: readCache(cache, rules?.cache),
      auth: auth === undefined ? rules?.auth : auth === false ? undefined : readAuth(auth),
    });
  }
}

const noRules: Rules = {
  retry: undefined,
  redirect: undefined,
  auth: undefined,
  cookies: undefined,
  cache: undefined,
  hooks: undefined,
  propagation: undefined,
};

function rulesOrNone(rules: Rules): Rules | undefined {
  return Object.values(rules).every((rule) => rule === undefined) ? undefined : rules;
}
