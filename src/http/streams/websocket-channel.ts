import {
  type Clock,
  Deque,
  LinkedList,
  type Scope,
  type ScopeNode,
  arrive,
  cancelScope,
  checkedScope,
  currentScope,
  formatMs,
  grant,
  refuse,
  takeAll,
  takeFirst,
} from "../../core/index.ts";
import { Lock } from "../../sync/index.ts";
import { type RequestName, SessionClosedError } from "../errors.ts";
import { WebSocketError } from "../stream-errors.ts";
import { Delay } from "../attempts/delay.ts";
import { Keeper, type Kept } from "../wire/keeper.ts";
import { errorOf, isGoodEnd, mayReconnect } from "./websocket-end.ts";
import type { WebSocketRules } from "./websocket-options.ts";
import { CloseWaiter, ReadWaiter, SendWaiter } from "./websocket-waits.ts";
import type { WebSocketWire, WireEnd, WireOwner } from "./websocket-wire.ts";

type Message = string | Uint8Array;
type Step = IteratorResult<Message, undefined>;

/** Opens connections for a {@link WebSocketChannel}. */
export interface Dial {
  readonly request: RequestName;
  /** For waits: `WebSocket example.com/feed`. */
  readonly label: string;
  /** @param isFirst - whether it was never open: then the request is tried as often as its rules say */
  connect(owner: WireOwner, isFirst: boolean): Promise<WebSocketWire>;
  /** @returns false if the session was closed meanwhile */
  waitFor(delay: Delay): Promise<boolean>;
  /** Called with each connection. */
  opened(connection: number): unknown;
}

/** What a message takes besides its bytes, about. */
const bytesAround = 64;

/**
 * Messages both ways, over one connection after another.
 *
 *     open ── lost ──> lost ── somebody reads or sends ──> connecting ──> open
 *       └── closed, an error, abandoned ──> over <── no more attempts ──┘
 *
 * Nothing works by itself: who reads or sends and finds the connection lost opens the next, in its own scope; the others
 * wait for that, and the next of them takes over where it is cancelled.
 */
export class WebSocketChannel implements WireOwner, Kept {
  readonly #dial: Dial;
  readonly #rules: WebSocketRules;
  readonly #clock: Clock;
  readonly #lock: Lock;
  #wire: WebSocketWire | undefined = undefined;
  /** The newest, whose socket may still be open when nothing else is. */
  #last: WebSocketWire | undefined = undefined;
  #connections = 0;
  readonly #unread = new Deque<Message>();
  readonly #unreadSizes = new Deque<number>();
  #unreadBytes = 0;
  readonly #readers = new LinkedList<ReadWaiter>();
  readonly #senders = new LinkedList<SendWaiter>();
  readonly #closers = new LinkedList<CloseWaiter>();
  #loss: { readonly error: Error; readonly dueMs: number } | undefined = undefined;
  /** Losses in a row without anything that came in between. */
  #losses = 0;
  /** How it has ended, once it is over. */
  #end: { readonly error: unknown; readonly isGood: boolean } | undefined = undefined;
  /** Of those who open a connection; and of what its owner does with it first. */
  #attempt: Scope | undefined = undefined;
  #opening: Scope | undefined = undefined;
  #keeper: Keeper | undefined = undefined;

  constructor(dial: Dial, rules: WebSocketRules, clock: Clock) {
    this.#dial = dial;
    this.#rules = rules;
    this.#clock = clock;
    this.#lock = new Lock({ name: dial.label });
  }

  /** Connects for the first time. Cancel: closes the connection. */
  async open(): Promise<void> {
    const scope = checkedScope();
    await this.#connect(() => this.keepIn(scope));
    // It may have been lost already, while its owner subscribed.
    if (this.#wire === undefined && this.#end === undefined) await this.#reopen();
    if (this.#end?.isGood !== false) return;
    checkedScope();
    throw this.#end.error;
  }

  get statistics(): { unreadMessages: number; unreadBytes: number; unsentBytes: number; connections: number } {
    return {
      unreadMessages: this.#unread.size,
      unreadBytes: this.#unreadBytes,
      unsentBytes: this.#wire?.unsentBytes ?? 0,
      connections: this.#connections,
    };
  }

  // What its users ask for.

  next(): Promise<Step> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#unread.size > 0) return grant(scope, this.#take());
    const isPlain = this.#end === undefined && this.#rules.reconnect === undefined;
    return isPlain ? (this.#wait(scope) as Promise<Step>) : this.#nextLater();
  }

  async #nextLater(): Promise<Step> {
    for (;;) {
      if (this.#unread.size > 0) return this.#take();
      // Cancelled, its keeper has ended it as well; what is to be told is the cancellation.
      const scope = checkedScope();
      if (this.#end?.isGood === true) return atEnd;
      if (this.#end !== undefined) throw this.#end.error;
      if (this.#wire === undefined) await this.#reopen();
      else {
        const step = await this.#wait(scope);
        if (step !== undefined) return step;
      }
    }
  }

  /** Resolves with undefined when the connection is lost, and there may be another. */
  #wait(scope: ScopeNode): Promise<Step | undefined> {
    const reader = new ReadWaiter(scope, this.#dial.label);
    this.#readers.push(reader);
    return reader.promise;
  }

  #take(): Step {
    this.#unreadBytes -= this.#unreadSizes.shift();
    const value = this.#unread.shift();
    if (this.#unreadBytes < this.#rules.maxUnreadBytes / 2) this.#wire?.resume();
    return { done: false, value };
  }

  send(message: Message): Promise<void> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    if (!this.#maySend) return this.#sendLater(message);
    this.#wire!.send(message);
    return grant(scope, undefined);
  }

  get #maySend(): boolean {
    const wire = this.#end === undefined ? this.#wire : undefined;
    return wire !== undefined && this.#senders.head === null && wire.unsentBytes < this.#rules.maxUnsentBytes;
  }

  async #sendLater(message: Message): Promise<void> {
    while (!this.#maySend) {
      const scope = checkedScope();
      if (this.#end !== undefined) throw this.#end.error;
      if (this.#wire === undefined) await this.#reopen();
      else {
        const sender = new SendWaiter(scope, this.#dial.label, message);
        this.#senders.push(sender);
        this.wroteOut();
        if (await sender.promise) return;
      }
    }
    this.#wire!.send(message);
  }

  /** Closes it with a handshake. Cancel: closes the socket at once. */
  shut(code: number, reason: string): Promise<void> {
    const scope = arrive();
    if (scope.stop !== undefined) {
      this.close(cancelled);
      return refuse(scope);
    }
    if (this.#end === undefined) {
      this.#finish(new WebSocketError(this.#dial.request, code, reason, `it was closed with ${code}`), true);
      this.#wire?.close(code, reason);
    }
    // Within `onOpen`, which this has ended.
    if (scope.stop !== undefined) return refuse(scope);
    if (this.#last === undefined || this.#keeper?.isPending !== true) return grant(scope, undefined);
    const closer = new CloseWaiter(scope, this.#dial.label, () => this.close(cancelled));
    this.#closers.push(closer);
    return closer.promise;
  }

  /** Nobody will read what has come. */
  forget(): void {
    this.#unread.takeAll();
    this.#unreadSizes.takeAll();
    this.#unreadBytes = 0;
  }

  /** When the last socket is closed. */
  get closed(): Promise<void> {
    return this.#last?.closed ?? Promise.resolve();
  }

  // What its scopes ask for.

  get isFlowing(): boolean {
    return this.#wire?.isFlowing === true;
  }

  keepIn(scope: ScopeNode): void {
    if (scope.stop === undefined) this.#keeper = new Keeper(scope, this, `${this.#dial.label}: open`);
    else this.close(cancelled);
  }

  close(why: string): void {
    this.#finish(new WebSocketError(this.#dial.request, 1006, "", why), false);
    this.#keeper?.finish();
    this.#last?.destroy();
  }

  // What its connection tells.

  messageCame(message: Message, bytes: number): void {
    if (this.#end !== undefined) return;
    const reader = takeFirst(this.#readers);
    if (reader !== undefined) return reader.resolve({ done: false, value: message });
    this.#unread.push(message);
    this.#unreadSizes.push(bytes + bytesAround);
    this.#unreadBytes += bytes + bytesAround;
    if (this.#unreadBytes >= this.#rules.maxUnreadBytes) this.#wire?.pause();
  }

  wroteOut(): void {
    const wire = this.#wire!;
    while (this.#senders.head !== null && wire.unsentBytes < this.#rules.maxUnsentBytes) {
      const sender = takeFirst(this.#senders);
      if (sender === undefined) return;
      wire.send(sender.message);
      sender.resolve(true);
    }
  }

  wireEnded(end: WireEnd): void {
    const hasHeard = this.#wire?.hasHeard === true;
    this.#wire = undefined;
    if (this.#end === undefined) this.#lose(errorOf(this.#dial.request, end, this.#rules), hasHeard);
  }

  sessionClosed(): void {
    this.#finish(new SessionClosedError(this.#dial.request), false);
  }

  // Its connections.

  async #connect(got: () => void = () => {}): Promise<void> {
    const wire = await this.#dial.connect(this, this.#connections === 0);
    if (this.#end !== undefined) return wire.destroy();
    this.#wire = wire;
    this.#last = wire;
    this.#connections++;
    void wire.closed.then(() => this.#socketClosed(wire));
    got();
    wire.begin();
    if (this.#unreadBytes >= this.#rules.maxUnreadBytes) wire.pause();
    try {
      await cancelScope(async (scope) => {
        this.#opening = scope;
        await this.#dial.opened(this.#connections);
      });
    } catch (error) {
      this.#openingFailed(wire, error);
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }

  #openingFailed(wire: WebSocketWire, error: unknown): void {
    // Whoever has ended it has closed it as well, or is about to.
    if (this.#end !== undefined) return;
    wire.destroy();
    const isCancelled = currentScope().stop !== undefined;
    if (!isCancelled || this.#rules.reconnect === undefined) return this.#finish(error, false);
    // Others go on, with a connection that is opened as it should be.
    this.#awaitNext(new WebSocketError(this.#dial.request, 1006, "", "the task that opened it was cancelled"), 0);
  }

  async #reopen(): Promise<void> {
    try {
      await this.#lock.run(() =>
        cancelScope(async (scope) => {
          this.#attempt = scope;
          while (this.#wire === undefined && this.#end === undefined) await this.#tryAgain();
        }),
      );
    } finally {
      this.#attempt = undefined;
    }
  }

  async #tryAgain(): Promise<void> {
    const scope = checkedScope();
    const { dueMs, error } = this.#loss!;
    const left = (): string => formatMs(Math.max(0, dueMs - this.#clock.now()));
    const describe = (): string => `${this.#dial.label}: to be opened again in ${left()} (${shortly(error)})`;
    if (!(await this.#dial.waitFor(new Delay(scope, dueMs, describe)))) return this.sessionClosed();
    try {
      await this.#connect();
    } catch (failure) {
      if (scope.stop !== undefined) throw failure;
      if (this.#end === undefined) this.#lose(failure as Error, false);
    }
  }

  /** The connection is lost, or did not come to be. */
  #lose(error: Error, hasHeard: boolean): void {
    try {
      if (!mayReconnect(error, this.#rules)) return this.#finish(error, isGoodEnd(error));
      this.#losses = hasHeard ? 1 : this.#losses + 1;
      const { attempts, backoff } = this.#rules.reconnect!;
      if (this.#losses > attempts) return this.#finish(error, false);
      this.#awaitNext(error, backoff(this.#losses));
    } catch (thrown) {
      this.#finish(thrown, false);
    }
  }

  /** Whoever reads or sends is to open the next connection. */
  #awaitNext(error: Error, delayMs: number): void {
    this.#wire = undefined;
    this.#loss = { error, dueMs: this.#clock.now() + delayMs };
    this.#opening?.cancel("the connection is lost");
    for (const reader of takeAll(this.#readers)) reader.resolve(undefined);
    for (const sender of takeAll(this.#senders)) sender.resolve(false);
  }

  #finish(error: unknown, isGood: boolean): void {
    if (this.#end !== undefined) return;
    this.#end = { error, isGood };
    this.#opening?.cancel("the WebSocket has ended");
    this.#attempt?.cancel("the WebSocket has ended");
    for (const reader of takeAll(this.#readers)) {
      if (isGood) reader.resolve(atEnd);
      else reader.reject(error);
    }
    for (const sender of takeAll(this.#senders)) sender.reject(error);
    if (this.#wire === undefined && this.#last?.isClosed !== false) this.#allClosed();
  }

  #socketClosed(wire: WebSocketWire): void {
    if (wire === this.#last && this.#end !== undefined) this.#allClosed();
  }

  #allClosed(): void {
    this.#keeper?.finish();
    for (const closer of takeAll(this.#closers)) closer.resolve();
  }
}

const atEnd: Step = { done: true, value: undefined };
const cancelled = "its scope was cancelled, or has ended";

function shortly(error: Error): string {
  if (error instanceof WebSocketError) return String(error.closeCode);
  const { causeCode, code } = error as { causeCode?: string; code?: string };
  return causeCode ?? code ?? error.name;
}
