import { checkedScope, formatMs } from "../core/index.ts";
import { HttpError, ResponseClosedError, SessionClosedError } from "./errors.ts";
import { checkBytes, checkMs, wrong } from "./request/check.ts";
import { Delay } from "./attempts/delay.ts";
import { EventParser, type ServerSentEvent } from "./streams/event-parser.ts";
import type { EventReader } from "./streams/event-reader.ts";
import { type Order, labelOf, nameOf } from "./wire/order.ts";
import type { ExchangeWatcher, OpenExchange } from "./wire/open-exchange.ts";
import { readMethod } from "./request/order-maker.ts";
import { type ReconnectOptions, type ReconnectRules, readReconnect } from "./streams/reconnect.ts";
import { type HeaderList, hasHeader, mergeHeaders } from "./request/request-headers.ts";
import { canBeSentAgain } from "./attempts/retrying.ts";
import { isIdempotent, isRetryableError, isRetryableStatus, retryAfterMs } from "./attempts/retryable.ts";
import type { TimeoutOptions } from "./wire/timeouts.ts";
import type { HttpRequestOptions } from "./options.ts";
import type { HttpResponse } from "./response.ts";
import type { Session } from "./session.ts";
import { EventStreamError } from "./stream-errors.ts";

/** Settings of {@link Session.events}. */
export interface EventsOptions extends Omit<HttpRequestOptions, "timeout" | "maxBodyBytes" | "cache"> {
  /** @default "GET" */
  readonly method?: string;
  /**
   * Whether to connect again when the connection is lost, ends, or says nothing for `idleMs`. What cannot even be opened
   * once is an error: how often that is tried says `retry`. @default true for GET and other methods that may be repeated
   */
  readonly reconnect?: ReconnectOptions | boolean;
  /** The id of the last event that you know, to go on after it. @default none */
  readonly lastEventId?: string;
  /** The longest event to accept, in bytes. @default 16_777_216 */
  readonly maxEventBytes?: number;
  /**
   * How long the server may say nothing, no comment either, before the connection is taken for lost; in milliseconds.
   * Not counted while you are the one not reading. @default `timeout.idleMs` of the session, 60_000
   */
  readonly idleMs?: number;
  /** In place of the session's, for each connection. A `totalMs` does not count: there is no end to be expected. */
  readonly timeout?: Pick<TimeoutOptions, "connectMs" | "headersMs">;
}

/** A connection that is no more, or did not come to be. */
interface Loss {
  /** For people. */
  readonly why: string;
  /** What to throw if there is no other; undefined if it just ended. */
  readonly error: unknown;
  /** What the server asks to wait for. */
  readonly askedMs: number;
}

/**
 * Server-sent events, over as many connections as it takes. Made by {@link Session.events}.
 *
 *     closed ── next() ──> open ── lost ──> waiting ── the time has come ──> open
 *       any ── 204, an error, left, cancelled ──> over
 *
 * It is an iterator: events are asked for one at a time, by one task at a time.
 */
export class EventStream implements AsyncIterableIterator<ServerSentEvent, undefined>, Disposable {
  readonly #session: Session;
  readonly #url: string | URL;
  readonly #method: string;
  readonly #options: HttpRequestOptions;
  readonly #reconnect: ReconnectRules | undefined;
  readonly #maxEventBytes: number;
  #lastEventId: string;
  /** What the server has last asked for, in milliseconds. */
  #retryMs = 0;
  #parser: EventParser | undefined = undefined;
  #reader: EventReader | undefined = undefined;
  #wasOpen = false;
  #loss: Loss | undefined = undefined;
  /** Losses in a row without anything that came in between. */
  #losses = 0;
  #isReading = false;
  #isOver = false;
  /** The request that is under way, or has been: so that leaving ends it. */
  #exchange: OpenExchange<HttpResponse> | undefined = undefined;
  readonly #watcher: ExchangeWatcher = {
    making: () => {
      if (this.#isOver) throw new ResponseClosedError(nameOf(this.#makeOrder()), left);
    },
    made: (exchange) => {
      this.#exchange = exchange;
    },
  };
  /** The wait for the next one. */
  #delay: Delay | undefined = undefined;

  /** @internal */
  constructor(session: Session, url: string | URL, options: EventsOptions) {
    if (typeof options !== "object" || options === null) throw new TypeError(wrong("options", "an object", options));
    const { method = "GET", idleMs, lastEventId = "", maxEventBytes = 16 * 1024 * 1024, timeout, ...rest } = options;
    this.#session = session;
    this.#url = url;
    this.#method = readMethod(method);
    this.#reconnect = readReconnect(rest.reconnect ?? isIdempotent(this.#method));
    this.#maxEventBytes = checkBytes("maxEventBytes", maxEventBytes);
    if (idleMs !== undefined) checkMs("idleMs", idleMs);
    if (typeof lastEventId !== "string") throw new TypeError(wrong("lastEventId", "a string", lastEventId));
    this.#lastEventId = lastEventId;
    const timeouts = { ...timeout, ...(idleMs !== undefined && { idleMs }), totalMs: Infinity };
    this.#options = { ...rest, timeout: timeouts, maxBodyBytes: Infinity, cache: false };
    // What is wrong is thrown here, and not when the first event is asked for.
    const order = this.#makeOrder();
    if (this.#reconnect !== undefined && !canBeSentAgain(order)) {
      throw new TypeError("Expected `body` to be text or bytes: an iterable cannot be sent with another connection");
    }
  }

  /** Itself. */
  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * The next event.
   *
   * Cancel: closes the connection. Nothing more can be read.
   *
   * @returns `done` when the server has said that there is no more (204), or has ended a stream that is not to be opened
   *   again
   * @throws {EventStreamError} HTTP_EVENT_STREAM, the answer is no event stream
   * @throws {BodyTooLargeError} HTTP_BODY_TOO_LARGE, an event is longer than `maxEventBytes`
   * @throws {HttpError} the stream could not be opened, or broke off and is not to be opened again: see the codes
   */
  next(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    if (this.#reader?.hasReady === true) return this.#reader.next();
    if (!this.#isReading) return this.#readOn();
    return Promise.reject(new TypeError(`${this.#label()}: the events are being read by another task`));
  }

  /**
   * Closes the connection at once. A `next()` that still waits comes to the end.
   *
   * Cancel: not applicable, it never waits.
   */
  return(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    this.#end();
    return Promise.resolve(atEnd);
  }

  /** Closes the connection at once. */
  [Symbol.dispose](): void {
    this.#end();
  }

  async #readOn(): Promise<IteratorResult<ServerSentEvent, undefined>> {
    this.#isReading = true;
    try {
      while (!this.#isOver) {
        const reader = this.#reader ?? (await this.#connect());
        const step = reader === undefined ? atEnd : await this.#read(reader);
        if (step !== undefined) return step;
      }
      return atEnd;
    } catch (error) {
      this.#end();
      throw error;
    } finally {
      this.#isReading = false;
    }
  }

  /** @returns undefined if the connection is lost, and there may be another */
  async #read(reader: EventReader): Promise<IteratorResult<ServerSentEvent, undefined> | undefined> {
    try {
      const step = await reader.next();
      if (step.done !== true) return step;
      this.#lose({ why: "it ended", error: undefined, askedMs: 0 });
    } catch (error) {
      if (this.#isOver) return atEnd;
      this.#lose(lossBy(error));
    }
    return undefined;
  }

  /** @returns undefined if there are no more events */
  async #connect(): Promise<EventReader | undefined> {
    while (!this.#isOver) {
      if (this.#loss !== undefined) await this.#wait(this.#loss);
      const opened = await this.#open();
      if (opened !== undefined) return opened;
    }
    return undefined;
  }

  async #open(): Promise<EventReader | undefined> {
    const order = this.#makeOrder();
    let response: HttpResponse;
    try {
      response = await this.#session.sendOrder(order, this.#watcher);
    } catch (error) {
      if (this.#isOver) return undefined;
      if (!this.#wasOpen) throw error;
      this.#lose(lossBy(error));
      return undefined;
    }
    const { status } = response;
    const contentType = response.headers.get("content-type") ?? undefined;
    if (status === 200 && isEventStream(contentType)) return this.#take(response);
    response.drop();
    if (status === 204) this.#end();
    else this.#refused(new EventStreamError(nameOf(order), status, contentType), response);
    return undefined;
  }

  #take(response: HttpResponse): EventReader {
    this.#wasOpen = true;
    this.#loss = undefined;
    this.#parser = new EventParser(this.#maxEventBytes, this.#lastEventId);
    return (this.#reader = response.readEvents(this.#parser));
  }

  #refused(error: EventStreamError, response: HttpResponse): void {
    if (!this.#wasOpen || !isRetryableStatus(error.status)) throw error;
    const askedMs = retryAfterMs(response.wireHeaders, new Date().getTime()) ?? 0;
    this.#lose({ why: String(error.status), error, askedMs });
  }

  /** @throws the error behind it, if that is to be the last word */
  #lose(loss: Loss): void {
    const parser = this.#parser;
    if (parser?.hasRead === true) this.#losses = 0;
    this.#lastEventId = parser?.lastEventId ?? this.#lastEventId;
    this.#retryMs = parser?.retryMs ?? this.#retryMs;
    this.#parser = undefined;
    this.#reader = undefined;
    this.#losses++;
    this.#loss = loss;
    const isLast = this.#reconnect === undefined || this.#losses > this.#reconnect.attempts;
    if (loss.error !== undefined && (isLast || !mayPass(loss.error))) throw loss.error;
    if (isLast) this.#end();
  }

  /** Until the next connection is due. Cancel: rejects at once. */
  async #wait({ why, askedMs }: Loss): Promise<void> {
    const scope = checkedScope();
    const { clock } = scope.tree;
    const delayMs = Math.max(this.#retryMs + this.#reconnect!.backoff(this.#losses), askedMs);
    const untilMs = clock.now() + delayMs;
    const leftMs = (): string => formatMs(Math.max(0, untilMs - clock.now()));
    this.#delay = new Delay(scope, untilMs, () => `${this.#label()}: to be opened again in ${leftMs()} (${why})`);
    const isOpen = await this.#session.transport.waitFor(this.#delay);
    if (!isOpen) throw new SessionClosedError(nameOf(this.#makeOrder()));
  }

  #makeOrder(): Order {
    // Once it was open, each connection is an attempt of its own, and how many there may be is counted here. Only a host
    // that asks to be left alone is waited for there.
    const { retry } = this.#options;
    const once = { ...(typeof retry === "object" && retry), attempts: 1 };
    const order = this.#session.orders.make(
      this.#method,
      this.#url,
      this.#wasOpen ? { ...this.#options, retry: once } : this.#options,
    );
    return { ...order, wire: { ...order.wire, headers: this.#headers(order.wire.headers) } };
  }

  #headers(given: HeaderList): HeaderList {
    const own: Record<string, string> = {};
    if (!given.some((value, i) => i % 2 === 1 && given[i - 1] === "accept" && value !== "*/*"))
      own["accept"] = eventStream;
    if (!hasHeader(given, "cache-control")) own["cache-control"] = "no-store";
    const id = headerText(this.#lastEventId);
    if (id !== undefined) own["last-event-id"] = id;
    return mergeHeaders(given, own);
  }

  #label(): string {
    return labelOf(this.#makeOrder());
  }

  #end(): void {
    this.#isOver = true;
    this.#reader = undefined;
    this.#delay?.resolve();
    if (this.#exchange?.isPending === true) this.#exchange.fail(new ResponseClosedError(this.#exchange, left));
    else this.#exchange?.body.close(left);
  }
}

const eventStream = "text/event-stream";
const left = "nobody reads its events any more";
const atEnd: IteratorResult<ServerSentEvent, undefined> = { done: true, value: undefined };

function isEventStream(contentType: string | undefined): boolean {
  return /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType ?? "");
}

function lossBy(error: unknown): Loss {
  const why = error instanceof HttpError ? ((error as { causeCode?: string }).causeCode ?? error.code) : String(error);
  return { why, error, askedMs: 0 };
}

/** Whether it may go better with another connection. */
function mayPass(error: unknown): boolean {
  return isRetryableError(error) || (error instanceof EventStreamError && isRetryableStatus(error.status));
}

/**
 * An id as a header: in UTF-8, of which headers hold the bytes.
 *
 * @returns undefined if there is none, or it has what no header can hold
 */
function headerText(id: string): string | undefined {
  const text = Buffer.from(id, "utf8").toString("latin1");
  return text !== "" && /^[\t\x20-\x7e\x80-\xff]+$/.test(text) ? text : undefined;
}
