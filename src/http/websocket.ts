import { type ScopeNode, checkedScope, currentScope } from "../core/index.ts";
import type { RequestName } from "./errors.ts";
import { wrong } from "./request/check.ts";
import { converse } from "./attempts/conversation.ts";
import type { Delay } from "./attempts/delay.ts";
import { type Order, labelOf, nameOf } from "./wire/order.ts";
import { mergeHeaders } from "./request/request-headers.ts";
import { upgrades } from "./wire/upgrade-exchange.ts";
import { type Dial, WebSocketChannel } from "./streams/websocket-channel.ts";
import { Handshake } from "./streams/websocket-handshake.ts";
import {
  type WebSocketOptions,
  type WebSocketRules,
  checkClose,
  readWebSocketOptions,
} from "./streams/websocket-options.ts";
import { WebSocketWire, type WireOwner } from "./streams/websocket-wire.ts";
import type { HttpRequestOptions } from "./options.ts";
import type { Session } from "./session.ts";
import { WebSocketHandshakeError } from "./stream-errors.ts";

/** What a WebSocket is doing. */
export interface WebSocketStatistics {
  /** Messages that have come and were not read. */
  readonly unreadMessages: number;
  /** How much they take, 64 bytes for each included. */
  readonly unreadBytes: number;
  /** What was sent and has not left yet, frames included. */
  readonly unsentBytes: number;
  /** Connections so far: more than one where it was opened again. */
  readonly connections: number;
}

/**
 * A WebSocket: messages both ways. Made by {@link Session.websocket}.
 *
 * Its messages are read in a loop over it, or with {@link receive}. Leaving the loop leaves it open: `await using` closes
 * it, with a handshake. When its scope is cancelled its socket is closed at once; a scope that just ends hands it to the
 * scope around.
 */
export class WebSocketClient implements AsyncIterable<string | Uint8Array, undefined>, AsyncDisposable {
  readonly #dialer: Dialer;
  readonly #channel: WebSocketChannel;

  /** @internal */
  constructor(session: Session, url: string | URL, options: WebSocketOptions) {
    const rules = readWebSocketOptions(options);
    this.#dialer = new Dialer(session, url, options, rules, (connection) => rules.onOpen?.(this, connection));
    this.#channel = new WebSocketChannel(this.#dialer, rules, currentScope().tree.clock);
  }

  /** @internal Connects. */
  async open(): Promise<this> {
    await this.#channel.open();
    return this;
  }

  /** The subprotocol that the server has chosen; empty if none was offered. */
  get protocol(): string {
    return this.#dialer.protocol;
  }

  /**
   * Waits for the next message: text as a string, bytes as a Uint8Array.
   *
   * Cancel: takes nothing; the message is there for the next.
   *
   * @returns undefined when there are no more: it was closed, by the server with 1000, 1001 or without a code
   * @throws {WebSocketError} HTTP_WEBSOCKET, it was closed with another code, or lost
   * @throws {HttpError} it could not be opened again: see the codes
   * @throws what `onOpen` throws
   */
  async receive(): Promise<string | Uint8Array | undefined> {
    return (await this.#channel.next()).value;
  }

  /**
   * The messages, to the end. Several loops share them: each message goes to one.
   *
   * Cancel: takes nothing; the message is there for the next.
   *
   * @throws as {@link receive}
   */
  [Symbol.asyncIterator](): AsyncIterator<string | Uint8Array, undefined> {
    return { next: () => this.#channel.next() };
  }

  /**
   * Sends a message, as soon as less than `maxUnsentBytes` are on their way. That the server has got it, it does not say:
   * what was sent right before a connection was lost may be lost with it, and is not sent again.
   *
   * Cancel: the message is not sent, if it still waits.
   *
   * @param message - text, or bytes
   * @throws {TypeError} it is neither
   * @throws {WebSocketError} HTTP_WEBSOCKET, the socket is closed or lost
   * @throws {HttpError} it could not be opened again: see the codes
   */
  send(message: string | Uint8Array): Promise<void> {
    if (typeof message === "string" || message instanceof Uint8Array) return this.#channel.send(message);
    return Promise.reject(new TypeError(wrong("message", "a string or a Uint8Array", message)));
  }

  /**
   * Closes it with a handshake, and waits until the socket is closed. The server has `closeTimeoutMs` for its part. What
   * has come can still be read; what the server sends from now on is gone.
   *
   * Cancel: closes the socket at once.
   *
   * @param code - 1000 to 1003, 1007 to 1014 or 3000 to 4999
   * @param reason - for the server, 123 bytes of UTF-8 or less
   * @throws {TypeError | RangeError} a closing frame cannot have them
   */
  close(code: number = 1_000, reason: string = ""): Promise<void> {
    try {
      checkClose(code, reason);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#channel.shut(code, reason);
  }

  /** What it is doing right now. */
  statistics(): WebSocketStatistics {
    return Object.freeze(this.#channel.statistics);
  }

  /**
   * Closes it as {@link close} does; what has come and was not read is gone.
   *
   * Cancel: closes the socket at once, and waits until it is closed.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.forget();
    if (currentScope().stop === undefined) return this.#channel.shut(1_000, "");
    this.#channel.close("it was disposed");
    await this.#channel.closed;
  }
}

/** Makes its connections: requests of the session that end in one. */
class Dialer implements Dial {
  readonly request: RequestName;
  readonly label: string;
  readonly opened: (connection: number) => unknown;
  protocol = "";
  readonly #session: Session;
  readonly #url: string;
  readonly #options: HttpRequestOptions;
  readonly #rules: WebSocketRules;

  constructor(
    session: Session,
    url: string | URL,
    options: WebSocketOptions,
    rules: WebSocketRules,
    opened: (connection: number) => unknown,
  ) {
    if (typeof url !== "string" && !(url instanceof URL)) throw new TypeError(wrong("url", "a string or a URL", url));
    this.#session = session;
    this.#url = String(url).replace(/^\s*ws(s?):/i, "http$1:");
    this.#options = requestOptionsOf(options);
    this.#rules = rules;
    this.opened = opened;
    const order = this.#makeOrder(true);
    const { method, url: name } = nameOf(order);
    this.request = { method, url: name.replace(/^http/, "ws") };
    this.label = labelOf(order).replace(/^GET/, "WebSocket");
  }

  async connect(owner: WireOwner, isFirst: boolean): Promise<WebSocketWire> {
    const scope: ScopeNode = checkedScope();
    const { transport } = this.#session;
    const handshake = new Handshake(this.#rules);
    const order = this.#makeOrder(isFirst);
    const sent = mergeHeaders(order.wire.headers, pairs(handshake.headers));
    const wire = { ...order.wire, headers: sent, upgrade: "websocket" };
    const { status, headers, socket } = await converse(scope, transport, { ...order, wire }, upgrades);
    if (socket === undefined) throw new WebSocketHandshakeError(nameOf(order), status, `it answered ${status}`);
    try {
      const { protocol, deflate } = handshake.agree(nameOf(order), headers);
      const made = new WebSocketWire(socket, owner, scope.tree.clock, this.#rules, deflate);
      transport.adopt(order, made);
      this.protocol = protocol;
      return made;
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  waitFor(delay: Delay): Promise<boolean> {
    return this.#session.transport.waitFor(delay);
  }

  #makeOrder(isFirst: boolean): Order {
    const { retry } = this.#options;
    // As of event streams: see there.
    const once = { ...(typeof retry === "object" && retry), attempts: 1 };
    return this.#session.orders.make("GET", this.#url, isFirst ? this.#options : { ...this.#options, retry: once });
  }
}

/** What of them is for the handshake. It leads nowhere else. */
function requestOptionsOf({ headers, query, auth, cookies, retry, timeout }: WebSocketOptions): HttpRequestOptions {
  return {
    ...(headers !== undefined && { headers }),
    ...(query !== undefined && { query }),
    ...(auth !== undefined && { auth }),
    ...(cookies !== undefined && { cookies }),
    ...(retry !== undefined && { retry }),
    ...(timeout !== undefined && { timeout }),
    redirect: false,
    decompress: false,
  };
}

function pairs(list: readonly string[]): [string, string][] {
  const all: [string, string][] = [];
  for (let i = 0; i < list.length; i += 2) all.push([list[i]!, list[i + 1]!]);
  return all;
}
