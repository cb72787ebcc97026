import type { ScopeNode } from "../core/index.ts";
import { LineSplitter } from "../flow/index.ts";
import { BodyTooLargeError, InvalidJsonError, type RequestName } from "./errors.ts";
import type { CacheUse } from "./http-cache.ts";
import type { IncomingBody } from "./answer/incoming-body.ts";
import { checkBytes } from "./request/check.ts";
import { EventParser, type ServerSentEvent } from "./streams/event-parser.ts";
import { EventReader } from "./streams/event-reader.ts";
import { LineReader } from "./answer/line-reader.ts";
import type { StoredResponse } from "./attempts/cached.ts";
import type { Order } from "./wire/order.ts";
import type { OpenExchange } from "./wire/open-exchange.ts";
import type { Redirect } from "./attempts/redirect.ts";
import { StoredSource } from "./attempts/stored-source.ts";
import { webHeaders } from "./attempts/web-headers.ts";
import { type SchemaOutput, type StandardSchema, checkSchema, validated } from "./standard-schema.ts";
import type { WireHeaders } from "./undici.ts";

/** Settings of {@link HttpResponse.lines}. */
export interface LinesOptions {
  /** The longest line to accept, in bytes. @default 16_777_216 */
  readonly maxLineBytes?: number;
}

/** Settings of {@link HttpResponse.sse}. */
export interface SseOptions {
  /** The longest event to accept, in bytes: its lines as they come. @default 16_777_216 */
  readonly maxEventBytes?: number;
}

/** Where a response comes from. */
interface ResponseSource extends RequestName {
  readonly status: number;
  readonly href: string;
  readonly headers: WireHeaders;
  readonly body: IncomingBody;
}

/**
 * A response of which the headers have come. Its body comes while you read it, and can be read once.
 *
 * It holds its slot of the session until all of the body has come; short bodies come with the headers, whether they are
 * read or not. So read every response, {@link discard} it, or declare it with `using`. One that is not read is closed
 * with its scope; a scope that just ends hands it to the scope around.
 */
export class HttpResponse implements Disposable {
  /** The status code: 200 or another. */
  readonly status: number;
  /** The URL that answered, without user and password. */
  readonly url: string;
  /** If it came out of the session's cache: whether it was fresh, validated by the server, or stale. */
  readonly fromCache: CacheUse | undefined;
  readonly #exchange: ResponseSource;
  readonly #body: IncomingBody;
  #headers: Headers | undefined = undefined;
  #redirects: readonly Redirect[] = none;

  /** @internal */
  constructor(exchange: ResponseSource, fromCache?: CacheUse) {
    this.status = exchange.status;
    this.url = exchange.href;
    this.fromCache = fromCache;
    this.#exchange = exchange;
    this.#body = exchange.body;
  }

  /** Whether the status is one of success: 200 to 299. */
  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }

  /** The answers that led to this one, in their order. Empty if the first URL has answered. */
  get redirects(): readonly Redirect[] {
    return this.#redirects;
  }

  /** Made when first asked for. */
  get headers(): Headers {
    return (this.#headers ??= webHeaders(this.#exchange.headers));
  }

  /**
   * The body in pieces, as they come. The server is made to wait while you do not ask for more. To leave the loop early
   * discards the rest.
   *
   * Cancel: closes the response.
   *
   * @throws {HttpError} the body broke off: see the codes
   */
  get body(): AsyncIterable<Uint8Array> {
    return { [Symbol.asyncIterator]: () => new Pieces(this.#body) };
  }

  /**
   * All of the body.
   *
   * Cancel: closes the response.
   *
   * @throws {HttpError} the body broke off: see the codes
   * @throws {TypeError} it has been read already
   */
  bytes(): Promise<Uint8Array> {
    return this.#body.all();
  }

  /**
   * All of the body as UTF-8, without a byte order mark. What is no UTF-8 becomes U+FFFD.
   *
   * Cancel: closes the response.
   *
   * @throws {HttpError} the body broke off: see the codes
   * @throws {TypeError} it has been read already
   */
  async text(): Promise<string> {
    return decode(await this.#body.all());
  }

  /**
   * The value of a JSON body. The content type is not looked at. Without a schema, nobody looks whether it is a `T`.
   *
   * Cancel: closes the response.
   *
   * @throws {InvalidJsonError} HTTP_INVALID_JSON
   * @throws {HttpError} the body broke off: see the codes
   * @throws {TypeError} it has been read already
   */
  async json<T = unknown>(): Promise<T>;
  /**
   * The value of a JSON body, as a schema has it: one of Zod, Valibot, ArkType or any other that follows Standard Schema.
   *
   * Cancel: closes the response. A schema that validates asynchronously is waited for, up to its next checkpoint.
   *
   * @param schema - says what the value is to be, and may change it
   * @returns what the schema makes of the value
   * @throws {SchemaError} HTTP_SCHEMA, the value is not as the schema has it
   * @throws {InvalidJsonError} HTTP_INVALID_JSON
   * @throws {HttpError} the body broke off: see the codes
   * @throws {TypeError} `schema` is none, or the body has been read already
   */
  async json<Schema extends StandardSchema>(schema: Schema): Promise<SchemaOutput<Schema>>;
  // An argument that is undefined is a schema that is missing, and not to be passed over in silence.
  async json(...given: readonly unknown[]): Promise<unknown> {
    if (given.length === 0) return this.#json();
    const [schema] = given;
    checkSchema(schema);
    return await validated(schema, await this.#json(), this.#exchange, this.status);
  }

  async #json(): Promise<unknown> {
    const text = decode(await this.#body.all());
    try {
      return JSON.parse(text) as unknown;
    } catch (error) {
      const contentType = this.#exchange.headers["content-type"];
      throw new InvalidJsonError(this.#exchange, this.status, contentType?.toString(), error);
    }
  }

  /**
   * The body line by line, as UTF-8, without the line ends (`\n` or `\r\n`). The server is made to wait while you do not
   * ask for more. To leave the loop early discards the rest.
   *
   * Cancel: closes the response.
   *
   * @throws {BodyTooLargeError} HTTP_BODY_TOO_LARGE, a line is longer than `maxLineBytes`
   * @throws {HttpError} the body broke off: see the codes
   *
   * @example
   * ```ts
   * import { openSession } from "taskwright/http";
   *
   * await using session = openSession();
   * const response = await session.get("https://example.com/events.jsonl");
   * for await (const line of response.lines()) console.log(JSON.parse(line));
   * ```
   */
  lines(options: LinesOptions = {}): AsyncIterableIterator<string, undefined> {
    const { maxLineBytes = 16 * 1024 * 1024 } = options;
    const tooLong = (): Error => new BodyTooLargeError(this.#exchange, "a line", maxLineBytes);
    return new LineReader(this.#body, new LineSplitter(checkBytes("maxLineBytes", maxLineBytes), tooLong));
  }

  /**
   * The body as server-sent events, for answers that end: streams that are to be kept up are `session.events()`. Status
   * and content type are not looked at. The server is made to wait while you do not ask for more. To leave the loop early
   * closes the connection.
   *
   * Cancel: closes the response.
   *
   * @throws {BodyTooLargeError} HTTP_BODY_TOO_LARGE, an event is longer than `maxEventBytes`
   * @throws {HttpError} the body broke off: see the codes
   *
   * @example
   * ```ts
   * import { openSession } from "taskwright/http";
   *
   * await using session = openSession();
   * const response = await session.post("https://example.com/answers", { json: { question: "why?", stream: true } });
   * if (!response.ok) throw new Error(`status ${response.status}`);
   * for await (const { data } of response.sse()) console.log(JSON.parse(data));
   * ```
   */
  sse(options: SseOptions = {}): AsyncIterableIterator<ServerSentEvent, undefined> {
    const { maxEventBytes = 16 * 1024 * 1024 } = options;
    return this.readEvents(new EventParser(checkBytes("maxEventBytes", maxEventBytes)));
  }

  /** @internal */
  readEvents(parser: EventParser): EventReader {
    const tooLong = (): Error => new BodyTooLargeError(this.#exchange, "an event", parser.maxEventBytes);
    return new EventReader(this.#body, parser, tooLong);
  }

  /**
   * Gives the body up: lets the rest of it pass if the server has said that it is short, so that the connection can be
   * kept, and closes the connection otherwise. Afterwards the slot is free.
   *
   * Cancel: closes the response at once.
   */
  async discard(): Promise<void> {
    await this.#body.discard();
  }

  /** @internal Tells it how it was found. */
  cameBy(redirects: readonly Redirect[]): this {
    this.#redirects = Object.freeze(redirects);
    return this;
  }

  /** @internal As they came. */
  get wireHeaders(): WireHeaders {
    return this.#exchange.headers;
  }

  /** @internal Gives it up as {@link discard} does, and does not wait. */
  drop(): void {
    this.#body.drop();
  }

  /** Closes the response at once. Its connection is lost, unless all of the body has come. */
  [Symbol.dispose](): void {
    this.#body.close("it was disposed");
  }
}

/** @internal What the session gives its caller when the headers have come. */
export function present(exchange: OpenExchange<HttpResponse>, scope: ScopeNode): HttpResponse {
  // A short body comes along with the headers, and is all there when this runs: then nothing has to be kept.
  queueMicrotask(() => exchange.body.keepIn(scope));
  return new HttpResponse(exchange);
}

/** @internal The same for a response out of the cache. */
export function presentStored(order: Order, response: StoredResponse): HttpResponse {
  return new HttpResponse(new StoredSource(order, response), response.use);
}

/** The pieces of a body, one loop over them. */
class Pieces implements AsyncIterator<Uint8Array, undefined> {
  readonly #body: IncomingBody;

  constructor(body: IncomingBody) {
    this.#body = body;
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    const value = await this.#body.next();
    return value === undefined ? { done: true, value } : { done: false, value };
  }

  // Neither waits nor rejects: the server may take its time with the rest, a cancellation is told at the next checkpoint,
  // and `Array.fromAsync` of Node 24 calls a rejecting return() again and again, for ever.
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.#body.drop();
    return Promise.resolve({ done: true, value: undefined });
  }
}

const none: readonly Redirect[] = Object.freeze([]);

const byteOrderMark = 0xfeff;

function decode(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text;
}
