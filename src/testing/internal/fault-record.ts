/** What a fault server has seen: every request, every connection, and how many of each at once. */
import { LinkedList, QueuedWaiter, type ScopeNode, arrive, grant, realClock, refuse } from "../../core/index.ts";
import { type RequestHead, SeenRequest } from "./fault-request.ts";

/** How a connection ended: by whom first, and whether with a FIN or an RST. */
export type FaultConnectionEnd =
  | "client-closed"
  | "client-reset"
  | "server-closed"
  | "server-reset"
  /** The server was disposed. */
  | "disposed";

/** A connection that a fault server has seen. It fills as things happen. */
export interface FaultConnection {
  /** Its number among all connections to the server, from 1. */
  readonly number: number;
  /** When it was accepted, in milliseconds of the real clock: of `now()` outside virtual time. */
  readonly openedAtMs: number;
  /** When it was closed, on the same clock; undefined until then. */
  readonly closedAtMs: number | undefined;
  /** What is spoken on it; undefined until that is known. */
  readonly protocol: "http/1" | "http/2" | undefined;
  /** Whether a TLS handshake has been completed on it. */
  readonly isSecure: boolean;
  /** How many requests have come on it. */
  readonly requests: number;
  /** How it ended; undefined until then. */
  readonly end: FaultConnectionEnd | undefined;
  /** What the client did wrong: what of its HTTP could not be read, or the code of what broke the TLS handshake. */
  readonly problem: string | undefined;
}

/** What a fault server has seen, in numbers. */
export interface FaultServerStatistics {
  /** Requests that have come. */
  readonly requests: number;
  /** Requests for a target that had been asked for before with the same method. */
  readonly repeated: number;
  /** Requests that are being answered. */
  readonly inFlight: number;
  /** The most that ever were at once. */
  readonly mostInFlight: number;
  /** Requests whose client went away before the answer was over. */
  readonly cut: number;
  /** Connections that have been accepted. */
  readonly connections: number;
  /** Connections that are open. */
  readonly openConnections: number;
  /** The most that ever were at once. */
  readonly mostOpenConnections: number;
  /** Connections that the client was the first to end, with a FIN or an RST. */
  readonly closedByClient: number;
}

export class SeenConnection implements FaultConnection {
  readonly number: number;
  readonly openedAtMs: number = realClock.now();
  closedAtMs: number | undefined = undefined;
  protocol: "http/1" | "http/2" | undefined = undefined;
  isSecure = false;
  requests = 0;
  end: FaultConnectionEnd | undefined = undefined;
  problem: string | undefined = undefined;

  constructor(number: number) {
    this.number = number;
  }
}

/** A wait until the record shows something. */
class RecordWaiter extends QueuedWaiter<void> {
  readonly isMet: (statistics: FaultServerStatistics) => boolean;

  constructor(scope: ScopeNode, isMet: (statistics: FaultServerStatistics) => boolean) {
    super(scope);
    this.isMet = isMet;
  }

  override get isExternal(): boolean {
    return true;
  }

  describe(): string {
    return "something to happen at a fault server";
  }
}

export class FaultRecord {
  readonly requests: SeenRequest[] = [];
  readonly connections: SeenConnection[] = [];
  readonly #times = new Map<string, number>();
  readonly #waiters = new LinkedList<RecordWaiter>();
  #repeated = 0;
  #inFlight = 0;
  #mostInFlight = 0;
  #cut = 0;
  #openConnections = 0;
  #mostOpenConnections = 0;
  #closedByClient = 0;

  connectionOpened(): SeenConnection {
    const connection = new SeenConnection(this.connections.length + 1);
    this.connections.push(connection);
    this.#openConnections++;
    this.#mostOpenConnections = Math.max(this.#mostOpenConnections, this.#openConnections);
    this.#changed();
    return connection;
  }

  /** Only the first end counts: what follows it is its consequence. */
  connectionEnded(connection: SeenConnection, end: FaultConnectionEnd): void {
    if (connection.end !== undefined) return;
    connection.end = end;
    if (end.startsWith("client-")) this.#closedByClient++;
    this.#changed();
  }

  connectionClosed(connection: SeenConnection): void {
    connection.closedAtMs = realClock.now();
    this.#openConnections--;
    this.#changed();
  }

  requestCame(head: RequestHead, connection: SeenConnection): SeenRequest {
    const key = `${head.method} ${head.target}`;
    const times = (this.#times.get(key) ?? 0) + 1;
    this.#times.set(key, times);
    if (times > 1) this.#repeated++;
    const request = new SeenRequest(head, {
      number: this.requests.length + 1,
      connection: connection.number,
      numberOnConnection: ++connection.requests,
      times,
      atMs: realClock.now(),
      isSecure: connection.isSecure,
    });
    this.requests.push(request);
    this.#inFlight++;
    this.#mostInFlight = Math.max(this.#mostInFlight, this.#inFlight);
    this.#changed();
    return request;
  }

  requestEnded(request: SeenRequest, state: "played" | "cut"): void {
    request.state = state;
    request.endedAtMs = realClock.now();
    this.#inFlight--;
    if (state === "cut") this.#cut++;
    this.#changed();
  }

  bodyCame(request: SeenRequest, bytes: Uint8Array): void {
    request.add(bytes);
    this.#changed();
  }

  bodyEnded(request: SeenRequest): void {
    request.isComplete = true;
    this.#changed();
  }

  statistics(): FaultServerStatistics {
    return Object.freeze({
      requests: this.requests.length,
      repeated: this.#repeated,
      inFlight: this.#inFlight,
      mostInFlight: this.#mostInFlight,
      cut: this.#cut,
      connections: this.connections.length,
      openConnections: this.#openConnections,
      mostOpenConnections: this.#mostOpenConnections,
      closedByClient: this.#closedByClient,
    });
  }

  /** A checkpoint. */
  until(isMet: (statistics: FaultServerStatistics) => boolean): Promise<void> {
    const scope = arrive();
    if (scope.stop !== undefined) return refuse(scope);
    try {
      if (isMet(this.statistics())) return grant(scope, undefined);
    } catch (error) {
      return Promise.reject(error);
    }
    const waiter = new RecordWaiter(scope, isMet);
    this.#waiters.push(waiter);
    return waiter.promise;
  }

  #changed(): void {
    if (this.#waiters.size === 0) return;
    const statistics = this.statistics();
    // What is asked of the statistics is code of the user, which may end other waits.
    for (const waiter of Array.from(this.#waiters)) if (!waiter.isLeaving) this.#look(waiter, statistics);
  }

  #look(waiter: RecordWaiter, statistics: FaultServerStatistics): void {
    try {
      if (!waiter.isMet(statistics)) return;
      waiter.list?.remove(waiter);
      waiter.resolve();
    } catch (error) {
      waiter.list?.remove(waiter);
      waiter.reject(error);
    }
  }
}
