/** The language of scripts: what a fault is, and how a script picks one for each request. */
import type { FaultRequest } from "./fault-request.ts";

/** How an answer begins. */
export interface FaultHead {
  /** 100 to 999; what is below 200 goes before another head. @default 200 */
  readonly status?: number;
  /** What HTTP/1 says after the status. @default the usual words */
  readonly reason?: string;
  /** Of HTTP/1. @default "1.1" */
  readonly version?: "1.0" | "1.1";
  /** Sent as they are; a list is sent as so many headers of the same name. */
  readonly headers?: Readonly<Record<string, string | number | readonly string[]>>;
  /**
   * How the client learns where the body ends, on HTTP/1: from a Content-Length that the `headers` name, from the last
   * chunk, or from the end of the connection.
   * @default "length"
   */
  readonly framing?: "length" | "chunked" | "close";
}

/** How a connection ends: with a FIN, as after a goodbye, or with an RST, as after a crash. */
export type FaultEnding = "close" | "reset";

/**
 * What a fault plays on: the server's side of one request.
 *
 * Everything that sends waits until the client takes it, and ends the fault if the client has gone: its promise rejects,
 * which is to be let through.
 */
export interface FaultWire {
  /** What is to be answered. */
  readonly request: FaultRequest;
  /**
   * Waits until the body of the request has come.
   *
   * Cancel: rejects when the client goes, or the server is closed.
   */
  received(): Promise<void>;
  /**
   * Sends a head.
   *
   * Cancel: rejects when the client goes, or the server is closed.
   */
  head(head: FaultHead): Promise<void>;
  /**
   * Sends a piece of the body, as a chunk if that is the framing.
   *
   * Cancel: rejects when the client goes, or the server is closed.
   */
  body(bytes: string | Uint8Array): Promise<void>;
  /**
   * Ends the answer: the last chunk, the end of the connection or of the stream, as the framing has it.
   *
   * Cancel: rejects when the client goes, or the server is closed.
   */
  finish(): Promise<void>;
  /**
   * Sends bytes as they are; on HTTP/2 between two frames.
   *
   * Cancel: rejects when the client goes, or the server is closed.
   */
  raw(bytes: string | Uint8Array): Promise<void>;
  /** Sends what follows in pieces of so many bytes, with a pause before each; on HTTP/2 bodies only. */
  slow(pieceBytes: number, everyMs: number): void;
  /**
   * Ends the connection in what follows: in the middle of the next head, in the middle of the next piece of a body, or
   * after so many bytes.
   */
  cutIn(where: "headers" | "body" | number, how: FaultEnding): void;
  /**
   * Ends the connection once what was sent has had time to arrive.
   *
   * Cancel: ends it at once.
   */
  end(how: FaultEnding): Promise<void>;
  /** Ends the connection, later, when the next request comes on it. */
  endOnNextRequest(how: FaultEnding): void;
  /** The number of the stream on HTTP/2; 0 on HTTP/1. */
  readonly streamId: number;
  /**
   * Ends the stream with a code of RFC 9113, section 7. HTTP/2 only.
   *
   * Cancel: rejects when the client goes, or the server is closed.
   */
  resetStream(code: number): Promise<void>;
}

/** What a server does with a request. Made by the functions of `faults`, or by hand. */
export interface Fault {
  /** For records and messages. */
  readonly name: string;
  /**
   * When the body of the request is read: before the fault is played, while it is, or never.
   * @default "first"
   */
  readonly reads?: "first" | "meanwhile" | "never";
  /**
   * Answers. When it returns, the connection is kept for the next request, unless it has been ended.
   *
   * It runs in a task of the server: `sleep` in it passes real time, and is cancelled when the client goes.
   *
   * Cancel: stops what it does; it is called no more.
   */
  play(wire: FaultWire): void | Promise<void>;
}

/** One fault for every request; or a list: the first request gets the first, and the last stays. */
export type FaultSequence = Fault | readonly Fault[];

/**
 * What a server does with each request: the same always, a sequence for all, a sequence for each path, or whatever a
 * function returns, which is called as soon as the headers have come.
 *
 * The keys of a table are paths, with a query or without, and `*` for all others. What no key names is answered
 * with 404.
 */
export type FaultScript =
  | FaultSequence
  | { readonly [path: `/${string}`]: FaultSequence; readonly "*"?: FaultSequence }
  | ((request: FaultRequest) => Fault | PromiseLike<Fault>);

/** Picks the fault for a request; undefined if the script has nothing to say of it. */
export type FaultPicker = (request: FaultRequest) => Fault | PromiseLike<Fault> | undefined;

/** @throws {TypeError} `script` is none */
export function readScript(script: FaultScript): FaultPicker {
  if (typeof script === "function") return script;
  if (isSequence(script)) return readSequence(script, "script");
  if (typeof script !== "object" || script === null) throw new TypeError(wrong("script", script));
  const pickers = new Map(Object.entries(script).map(([path, faults]) => [readKey(path), readSequence(faults, path)]));
  return (request) => (pickers.get(request.target) ?? pickers.get(request.path) ?? pickers.get("*"))?.(request);
}

function isSequence(script: object): script is FaultSequence {
  return Array.isArray(script) || isFault(script);
}

export function isFault(value: unknown): value is Fault {
  return typeof (value as { play?: unknown } | null | undefined)?.play === "function";
}

function readKey(path: string): string {
  if (path === "*" || path.startsWith("/")) return path;
  throw new TypeError(`Expected the keys of \`script\` to be paths, or "*" for all others, got "${path}"`);
}

function readSequence(faults: FaultSequence, name: string): FaultPicker {
  const list: readonly unknown[] = Array.isArray(faults) ? faults : [faults];
  const wrongOne = list.findIndex((each) => !isFault(each));
  if (wrongOne !== -1) throw new TypeError(wrong(name, list[wrongOne]));
  if (list.length === 0) throw new TypeError(`Expected \`${name}\` to have a fault in its list, got none`);
  let next = 0;
  return () => list[Math.min(next++, list.length - 1)] as Fault;
}

export function wrong(name: string, value: unknown): string {
  return `Expected \`${name}\` to be a fault, such as faults.ok(), got \`${String(value)}\` (${typeof value})`;
}
