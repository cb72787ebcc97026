import type { HttpRequestOptions, SessionOptions } from "../options.ts";
import { checkBytes, wrong } from "./check.ts";
import { acceptEncoding } from "../answer/content-codings.ts";
import type { Order } from "../wire/order.ts";
import type { OutgoingBody } from "./outgoing-body.ts";
import { encodeBody, jsonBody } from "./request-body.ts";
import { type HeaderList, hasHeader, mergeHeaders, withDefault, withoutSecrets } from "./request-headers.ts";
import { TargetReader, withQuery } from "./target.ts";
import { RuleMaker, type Rules } from "../attempts/rules.ts";
import { type Timeouts, readTimeouts } from "../wire/timeouts.ts";
import { Upload, measured } from "./upload.ts";

const standardHeaders: HeaderList = ["accept", "*/*", "accept-encoding", acceptEncoding, "user-agent", "taskwright"];
const token = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/;

/** Makes of what the caller says what goes on the wire. Checks all of it: nothing wrong gets further. */
export class OrderMaker {
  readonly #targets: TargetReader;
  readonly #decompress: boolean;
  readonly #headers: SessionHeaders;
  /** For requests that are decompressed where the session's are not, or the other way round. */
  readonly #otherHeaders: SessionHeaders;
  readonly #timeouts: Timeouts;
  readonly #maxBodyBytes: number;
  readonly #rules: RuleMaker;
  readonly #isKnown: (origin: string) => boolean;

  /** @param isKnown - whether an origin was used before: its URLs need not be parsed */
  constructor(options: SessionOptions, isKnown: (origin: string) => boolean) {
    this.#targets = new TargetReader(options.baseUrl);
    this.#decompress = readDecompress(options.decompress ?? true);
    const hasBase = this.#targets.baseOrigin !== undefined;
    const compressed = mergeHeaders(standardHeaders, options.headers);
    const plain = compressed.filter((_, i) => compressed[i - (i % 2) + 1] !== acceptEncoding);
    this.#headers = sessionHeaders(this.#decompress ? compressed : plain, hasBase);
    this.#otherHeaders = sessionHeaders(this.#decompress ? plain : compressed, hasBase);
    this.#timeouts = readTimeouts(options.timeout);
    this.#maxBodyBytes = checkBytes("maxBodyBytes", options.maxBodyBytes ?? Infinity);
    this.#rules = new RuleMaker(options, this.#targets.baseOrigin);
    this.#isKnown = isKnown;
  }

  /** The rules of requests that say nothing of their own: for orders that are put together by hand. */
  get rules(): Rules | undefined {
    return this.#rules.rulesFor(this.#targets.baseOrigin !== undefined, undefined);
  }

  /** @throws {TypeError | RangeError} something in it is wrong */
  make(method: string, url: string | URL, options: HttpRequestOptions | undefined): Order {
    const { origin, path, authorization } = this.#targets.read(url, this.#isKnown);
    const isElsewhere = origin !== this.#targets.baseOrigin;
    const decompress = options?.decompress === undefined ? this.#decompress : readDecompress(options.decompress);
    const base = decompress === this.#decompress ? this.#headers : this.#otherHeaders;
    let headers = isElsewhere ? base.elsewhere : base.home;
    if (authorization !== undefined) headers = mergeHeaders(headers, { authorization });
    if (options === undefined) {
      const wire = { method, path, headers, body: null };
      return {
        wire,
        origin,
        timeouts: this.#timeouts,
        maxBodyBytes: this.#maxBodyBytes,
        decompress,
        rules: this.#rules.rulesFor(isElsewhere, options),
      };
    }
    if (typeof options !== "object" || options === null) throw new TypeError(wrong("options", "an object", options));
    if (options.headers !== undefined) headers = wholeOrAsItIs(mergeHeaders(headers, options.headers));
    const { query, maxBodyBytes = this.#maxBodyBytes } = options;
    const body = readBody(options);
    if (body?.contentType !== undefined) headers = withType(headers, body.contentType, body.isTypeFixed === true);
    if (body?.length !== undefined) headers = withDefault(headers, "content-length", String(body.length));
    const sent = toSend(body);
    return {
      wire: { method, path: query === undefined ? path : withQuery(path, query), headers, body: sent },
      ...(sent instanceof Upload && sent.isUnmeasured && { prepare: measured }),
      origin,
      timeouts: readTimeouts(options.timeout, this.#timeouts),
      maxBodyBytes: checkBytes("maxBodyBytes", maxBodyBytes),
      decompress,
      rules: this.#rules.rulesFor(isElsewhere, options),
    };
  }
}

/** What all requests of a session have: those to its own origin, and those to others. */
interface SessionHeaders {
  readonly home: HeaderList;
  readonly elsewhere: HeaderList;
}

function sessionHeaders(all: HeaderList, hasBase: boolean): SessionHeaders {
  const home = wholeOrAsItIs(all);
  return { home, elsewhere: hasBase ? withoutSecrets(home) : home };
}

/** A part of a body is asked for as it is: a part of what is compressed is of no use. */
function wholeOrAsItIs(headers: HeaderList): HeaderList {
  if (!hasHeader(headers, "range")) return headers;
  return headers.map((text, i) => (i % 2 === 1 && text === acceptEncoding ? "identity" : text));
}

function readDecompress(decompress: unknown): boolean {
  if (typeof decompress !== "boolean") throw new TypeError(wrong("decompress", "true or false", decompress));
  return decompress;
}

/** A method as it goes on the wire. */
export function readMethod(method: string): string {
  if (typeof method !== "string" || !token.test(method)) throw new TypeError(wrong("method", "an HTTP method", method));
  const upper = method.toUpperCase();
  if (upper === "CONNECT")
    throw new TypeError(wrong("method", "one that gets a response (CONNECT opens a tunnel)", method));
  return upper;
}

function readBody({ json, body }: HttpRequestOptions): OutgoingBody | undefined {
  if (json === undefined) return body === undefined ? undefined : encodeBody(body);
  if (body !== undefined) throw new TypeError("Expected either `json` or `body`, got both");
  return jsonBody(json);
}

function withType(headers: HeaderList, type: string, isFixed: boolean): HeaderList {
  return isFixed ? mergeHeaders(headers, { "content-type": type }) : withDefault(headers, "content-type", type);
}

function toSend(body: OutgoingBody | undefined): string | Uint8Array | Upload | null {
  if (body === undefined) return null;
  const { content, isRepeatable = false } = body;
  return typeof content === "string" || content instanceof Uint8Array ? content : new Upload(content, isRepeatable);
}
