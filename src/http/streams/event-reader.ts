import { BlockReader } from "../../flow/index.ts";
import type { EventParser, ServerSentEvent } from "./event-parser.ts";
import type { IncomingBody } from "../answer/incoming-body.ts";

/** The server-sent events of a body. */
export class EventReader extends BlockReader<ServerSentEvent> {
  readonly #body: IncomingBody;
  readonly #parser: EventParser;
  readonly #tooLong: () => Error;

  /** @param tooLong - makes the error for an event that the parser finds too long */
  constructor(body: IncomingBody, parser: EventParser, tooLong: () => Error) {
    super();
    this.#body = body;
    this.#parser = parser;
    this.#tooLong = tooLong;
  }

  protected override async nextBlock(): Promise<readonly ServerSentEvent[] | undefined> {
    if (this.#parser.isTooLong) throw this.#tooLong();
    const chunk = await this.#body.next();
    return chunk === undefined ? undefined : this.#parser.push(chunk);
  }

  /** Closes the connection: a stream that goes on for ever is not worth waiting for its rest. */
  protected override stop(): void {
    this.#body.close("its events are read no further");
  }
}
