/** What came in a request: its head, as it was parsed, and its body, as far as it has come. */

/** Where a request stands. */
export type FaultRequestState =
  /** The server is about to answer, or answers. */
  | "open"
  /** The server has done all that its fault was to do. */
  | "played"
  /** The client went away before, or the server was closed. */
  | "cut";

/** A request that a fault server has seen. It fills as things happen. */
export interface FaultRequest {
  /** Its number among all requests to the server, from 1. */
  readonly number: number;
  /** The number of its connection, from 1. */
  readonly connection: number;
  /** Its number on its connection, from 1. */
  readonly numberOnConnection: number;
  /** How many times this target has been asked for with this method, this time included. */
  readonly times: number;
  /** When its headers had come, in milliseconds of the real clock: of `now()` outside virtual time. */
  readonly atMs: number;
  /** When it was played or cut, on the same clock; undefined until then. */
  readonly endedAtMs: number | undefined;
  /** Where it stands. */
  readonly state: FaultRequestState;
  /** The name of the fault that it was answered with. */
  readonly fault: string | undefined;
  /** As the client wrote it. */
  readonly version: "1.0" | "1.1" | "2";
  /** As the client wrote it: `GET`. */
  readonly method: string;
  /** As the client wrote it: `/users?page=2`. */
  readonly target: string;
  /** The target without its query: `/users`. */
  readonly path: string;
  /** What follows the `?`: `page=2`. */
  readonly query: string;
  /** All of it, with the host that the client named: `http://127.0.0.1:4000/users?page=2`. */
  readonly url: string;
  /** By their names in small letters. Those of the same name are joined with a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** One by one, in their order, as the client wrote them. */
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  /** How much of the body was read. */
  readonly bodyBytes: number;
  /** What was read of the body, up to a MiB. */
  readonly body: Uint8Array;
  /** Whether all of the body was read. */
  readonly isComplete: boolean;
}

/** What is known of a request when its headers have come. */
export interface RequestHead {
  readonly version: "1.0" | "1.1" | "2";
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
}

/** Where the request stands among others. */
export interface RequestPlace {
  readonly number: number;
  readonly connection: number;
  readonly numberOnConnection: number;
  readonly times: number;
  readonly atMs: number;
  readonly isSecure: boolean;
}

/** Of longer bodies only the length is recorded. */
const maxKeptBytes = 2 ** 20;

export class SeenRequest implements FaultRequest {
  readonly number: number;
  readonly connection: number;
  readonly numberOnConnection: number;
  readonly times: number;
  readonly atMs: number;
  readonly version: "1.0" | "1.1" | "2";
  readonly method: string;
  readonly target: string;
  readonly rawHeaders: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly url: string;
  endedAtMs: number | undefined = undefined;
  state: FaultRequestState = "open";
  fault: string | undefined = undefined;
  bodyBytes = 0;
  isComplete = false;
  readonly #pieces: Uint8Array[] = [];
  #keptBytes = 0;

  constructor(head: RequestHead, place: RequestPlace) {
    this.number = place.number;
    this.connection = place.connection;
    this.numberOnConnection = place.numberOnConnection;
    this.times = place.times;
    this.atMs = place.atMs;
    this.version = head.version;
    this.method = head.method;
    this.target = head.target;
    this.rawHeaders = head.rawHeaders;
    this.headers = joinHeaders(head.rawHeaders);
    // What was sent to a proxy is whole already.
    const host = this.headers["host"] ?? this.headers[":authority"] ?? "";
    this.url = this.target.startsWith("/")
      ? `${place.isSecure ? "https" : "http"}://${host}${this.target}`
      : this.target;
  }

  get path(): string {
    return this.target.split("?", 1)[0]!;
  }

  get query(): string {
    return this.target.slice(this.path.length + 1);
  }

  get body(): Uint8Array {
    return Buffer.concat(this.#pieces);
  }

  add(bytes: Uint8Array): void {
    this.bodyBytes += bytes.length;
    const room = maxKeptBytes - this.#keptBytes;
    if (room <= 0) return;
    const kept = bytes.subarray(0, room);
    this.#keptBytes += kept.length;
    this.#pieces.push(kept);
  }
}

function joinHeaders(raw: readonly (readonly [name: string, value: string])[]): Record<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of raw) {
    const key = name.toLowerCase();
    const before = joined.get(key);
    joined.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(joined);
}
