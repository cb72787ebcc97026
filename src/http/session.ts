import { type ScopeNode, arrive, checkedScope, expectInteger, refuse } from "../core/index.ts";
import { EventStream, type EventsOptions } from "./events.ts";
import type { CookieJar } from "./cookie-jar.ts";
import type { HttpCache } from "./http-cache.ts";
import { checkMs, wrong } from "./request/check.ts";
import { type AnswerKind, converse } from "./attempts/conversation.ts";
import { readLimits } from "./attempts/limits.ts";
import type { Order } from "./wire/order.ts";
import { Network } from "./wire/network.ts";
import { type ExchangeWatcher, OpenExchange, watched } from "./wire/open-exchange.ts";
import { OrderMaker, readMethod } from "./request/order-maker.ts";
import { Pool } from "./wire/pool.ts";
import { Slots } from "./wire/slots.ts";
import { Transport } from "./wire/transport.ts";
import type { WebSocketOptions } from "./streams/websocket-options.ts";
import type { HttpRequestOptions, SessionOptions } from "./options.ts";
import type { WebSocketClient } from "./websocket.ts";
import { type HttpResponse, present, presentStored } from "./response.ts";

/** What a session is doing. */
export interface SessionStatistics {
  /** Requests under way, open responses included. */
  readonly active: number;
  /** Requests in line for a slot. */
  readonly waiting: number;
  /** Connections open, idle ones and those of WebSockets included. */
  readonly connections: number;
}

/**
 * Requests with a common limit, common settings and a pool of connections. Made by {@link openSession}.
 *
 * All requests reject with TypeError or RangeError for wrong arguments; with HttpError when they fail; and their
 * promise is resolved as soon as the headers of the response are there. A request is a checkpoint: cancelled, it leaves
 * the line, or its connection is closed, whatever it is doing.
 *
 * `await using`: disposal ends everything that is still in line or under way with SessionClosedError, and waits until
 * all sockets are closed.
 */
export class Session implements AsyncDisposable {
  /** @internal */
  readonly orders: OrderMaker;
  /** @internal */
  readonly transport: Transport;

  /** @internal */
  constructor(options: SessionOptions) {
    if (typeof options !== "object" || options === null) throw new TypeError(wrong("options", "an object", options));
    const { limit = 100, limitPerHost = Infinity, keepAliveMs = 4_000 } = options;
    expectInteger("limit", limit, 1);
    expectInteger("limitPerHost", limitPerHost, 1);
    checkMs("keepAliveMs", keepAliveMs);
    const pool = new Pool(limit, keepAliveMs, new Network(options));
    this.transport = new Transport(pool, new Slots(limit, limitPerHost), readLimits(options, { limit, limitPerHost }));
    this.orders = new OrderMaker(options, pool.knows);
  }

  /**
   * Requests under way at once. It may be changed at any time: what is under way goes on, also where it is more.
   *
   * @throws {TypeError | RangeError} set to what is no integer of 1 or more, nor Infinity
   */
  get limit(): number {
    return this.transport.slots.limit;
  }

  set limit(limit: number) {
    expectInteger("limit", limit, 1);
    this.transport.pool.maxOpen = limit;
    this.transport.changeSlots({ limit, limitPerHost: this.limitPerHost });
  }

  /**
   * The same for each host.
   *
   * @throws {TypeError | RangeError} set to what is no integer of 1 or more, nor Infinity
   */
  get limitPerHost(): number {
    return this.transport.slots.limitPerHost;
  }

  set limitPerHost(limitPerHost: number) {
    expectInteger("limitPerHost", limitPerHost, 1);
    this.transport.changeSlots({ limit: this.limit, limitPerHost });
  }

  /**
   * Asks for a resource.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  get(url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send("GET", url, options);
  }

  /**
   * Asks for the headers alone.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  head(url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send("HEAD", url, options);
  }

  /**
   * Sends something to be processed.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  post(url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send("POST", url, options);
  }

  /**
   * Stores what is sent.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  put(url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send("PUT", url, options);
  }

  /**
   * Changes a part of a resource.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  patch(url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send("PATCH", url, options);
  }

  /**
   * Removes a resource.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  delete(url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    return this.#send("DELETE", url, options);
  }

  /**
   * Sends a request of any method but CONNECT.
   *
   * Cancel: takes the request out of the line, or closes its connection.
   *
   * @throws as all requests: see {@link Session}
   */
  request(method: string, url: string | URL, options?: HttpRequestOptions): Promise<HttpResponse> {
    try {
      return this.#send(readMethod(method), url, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Its cookies, if it keeps any. */
  get cookies(): CookieJar | undefined {
    return this.orders.rules?.cookies;
  }

  /**
   * Server-sent events, over as many connections as it takes: what is lost is opened again, after a wait, and goes on
   * after the last event that has come (`Last-Event-ID`). The server is made to wait while you do not ask for more. An
   * open stream is a request under way: it holds a slot of `limit` and `limitPerHost`.
   *
   * Nothing is sent until the first event is asked for. To leave the loop closes the connection.
   *
   * Cancel: closes the connection at once.
   *
   * @param url - as of all requests
   * @returns the events, to be read once
   * @throws {TypeError | RangeError} an argument is wrong. What else can happen is thrown by {@link EventStream.next}
   *
   * @example
   * ```ts
   * import { openSession } from "taskwright/http";
   *
   * await using session = openSession();
   * for await (const event of session.events("https://example.com/prices", { idleMs: 45_000 })) {
   *   if (event.type === "price") console.log(event.id, JSON.parse(event.data));
   * }
   * ```
   */
  events(url: string | URL, options: EventsOptions = {}): EventStream {
    return new EventStream(this, url, options);
  }

  /** Its cache, if it has one. */
  get cache(): HttpCache | undefined {
    return this.orders.rules?.cache;
  }

  /**
   * Opens a WebSocket, as the session makes requests: with its credentials, cookies, headers, limits, proxy, names and
   * TLS. The handshake is a request, and takes a slot; an open WebSocket takes none.
   *
   * Cancel: closes the connection.
   *
   * @param url - `ws:`, `wss:`, `http:` or `https:`, or relative to the `baseUrl`. Redirects are not followed
   * @returns the socket, when it is open and `onOpen` is through
   * @throws {TypeError | RangeError} an argument is wrong
   * @throws {WebSocketHandshakeError} HTTP_WEBSOCKET_HANDSHAKE, the server would not speak WebSocket; `status` is its answer
   * @throws {HttpError} it could not connect: see the codes
   * @throws what `onOpen` throws
   *
   * @example
   * ```ts
   * import { openSession } from "taskwright/http";
   *
   * await using session = openSession();
   * await using socket = await session.websocket("wss://example.com/prices", {
   *   reconnect: true,
   *   onOpen: (it) => it.send(JSON.stringify({ subscribe: ["EUR", "USD"] })),
   * });
   * for await (const message of socket) if (typeof message === "string") console.log(JSON.parse(message));
   * ```
   */
  async websocket(url: string | URL, options: WebSocketOptions = {}): Promise<WebSocketClient> {
    checkedScope();
    // Loaded with the first of them: most programs have none, and a command is to begin soon.
    const { WebSocketClient: Client } = await import("./websocket.ts");
    return new Client(this, url, options).open();
  }

  /** What the session is doing right now. */
  statistics(): SessionStatistics {
    const { slots, pool } = this.transport;
    return Object.freeze({ active: slots.active, waiting: slots.waiting, connections: pool.connections });
  }

  /**
   * Ends everything that is in line or under way, and closes all connections.
   *
   * Cancel: waits all the same; the sockets are closed at once.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.transport.close();
  }

  #send(method: string, url: string | URL, options: HttpRequestOptions | undefined): Promise<HttpResponse> {
    try {
      return this.sendOrder(this.orders.make(method, url, options));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** @internal Sends what has been made of the caller's words. */
  sendOrder(order: Order, watcher?: ExchangeWatcher): Promise<HttpResponse> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    try {
      const kind = watcher === undefined ? openResponses : { ...openResponses, make: watched(makeOpen, watcher) };
      return converse(scope, this.transport, order, kind);
    } catch (error) {
      return Promise.reject(error);
    }
  }
}

const makeOpen = (scope: ScopeNode, transport: Transport, order: Order): OpenExchange<HttpResponse> =>
  new OpenExchange(scope, transport, order, present);

const openResponses: AnswerKind<HttpResponse> = {
  make: makeOpen,
  headersOf: (response) => response.wireHeaders,
  drop: (response) => response.drop(),
  cameBy: (response, redirects) => response.cameBy(redirects),
  stored: presentStored,
};

/**
 * Opens a session: the one way to make requests. Connections are opened when they are needed, and kept for the next.
 *
 * Dispose of it when you are done, best with `await using`: see {@link Session}.
 *
 * @throws {TypeError | RangeError} an option is wrong
 *
 * @example
 * ```ts
 * import { openSession } from "taskwright/http";
 *
 * await using session = openSession({ baseUrl: "https://api.example.com/v1", limitPerHost: 10 });
 * const response = await session.get("users", { query: { page: 2 } });
 * if (response.ok) console.log(await response.json());
 * ```
 */
export function openSession(options: SessionOptions = {}): Session {
  return new Session(options);
}
