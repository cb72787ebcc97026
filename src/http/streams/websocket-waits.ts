/** What tasks wait for at a WebSocket. */
import { QueuedWaiter, type ScopeNode } from "../../core/index.ts";

/** The wait for a message. Undefined where another connection has to be opened first. */
export class ReadWaiter extends QueuedWaiter<IteratorResult<string | Uint8Array, undefined> | undefined> {
  readonly #label: string;

  constructor(scope: ScopeNode, label: string) {
    super(scope);
    this.#label = label;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#label}: waiting for a message`;
  }
}

/** The wait to send a message. True when it is sent, false where another connection has to be opened first. */
export class SendWaiter extends QueuedWaiter<boolean> {
  readonly message: string | Uint8Array;
  readonly #label: string;

  constructor(scope: ScopeNode, label: string, message: string | Uint8Array) {
    super(scope);
    this.#label = label;
    this.message = message;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#label}: waiting for the server to take what was sent`;
  }
}

/** The wait for the closing handshake. */
export class CloseWaiter extends QueuedWaiter<void> {
  readonly #label: string;
  readonly #destroy: () => void;

  /** @param destroy - closes the socket at once */
  constructor(scope: ScopeNode, label: string, destroy: () => void) {
    super(scope);
    this.#label = label;
    this.#destroy = destroy;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return `${this.#label}: closing`;
  }

  protected override leave(): void {
    super.leave();
    this.#destroy();
  }
}
