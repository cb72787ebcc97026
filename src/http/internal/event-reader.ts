import { arrive, grant, refuse } from "../../core/index.ts";
import type { EventParser, ServerSentEvent } from "./event-parser.ts";
import type { IncomingBody } from "./incoming-body.ts";

type Step = IteratorResult<ServerSentEvent, undefined>;

/** The server-sent events of a body, one loop over them. By hand, as the lines of a body are. */
export class EventReader implements AsyncIterableIterator<ServerSentEvent, undefined> {
  readonly #body: IncomingBody;
  readonly #parser: EventParser;
  readonly #tooLong: () => Error;
  #events: readonly ServerSentEvent[] = [];
  #at = 0;
  #isAtEnd = false;

  /** @param tooLong - makes the error for an event that the parser finds too long */
  constructor(body: IncomingBody, parser: EventParser, tooLong: () => Error) {
    this.#body = body;
    this.#parser = parser;
    this.#tooLong = tooLong;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** Whether the next event is there. */
  get hasReady(): boolean {
    return this.#at < this.#events.length;
  }

  next(): Promise<Step> {
    if (!this.hasReady) return this.#readOn();
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    return grant(scope, { done: false, value: this.#events[this.#at++]! });
  }

  // Neither waits nor rejects: see `Pieces` of a response.
  return(): Promise<Step> {
    this.#end();
    return Promise.resolve(atEnd);
  }

  async #readOn(): Promise<Step> {
    try {
      while (!this.#isAtEnd) {
        if (this.#parser.isTooLong) throw this.#tooLong();
        const chunk = await this.#body.next();
        if (chunk === undefined) this.#isAtEnd = true;
        else this.#events = this.#parser.push(chunk);
        this.#at = 0;
        if (this.#events.length > 0 && !this.#isAtEnd) return { done: false, value: this.#events[this.#at++]! };
      }
      return atEnd;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Closes the connection: a stream that goes on for ever is not worth waiting for its rest. */
  #end(): void {
    this.#events = [];
    this.#at = 0;
    this.#isAtEnd = true;
    this.#body.close("its events are read no further");
  }
}

const atEnd: Step = { done: true, value: undefined };
