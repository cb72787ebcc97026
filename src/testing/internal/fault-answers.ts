/** Whole answers: what a server says when nothing is wrong on the wire. */
import { expectInteger } from "../../core/index.ts";
import type { Fault, FaultHead, FaultWire } from "./fault-script.ts";
import { toBytes } from "./fault-wire.ts";

/** Settings of an answer besides its body. */
export type FaultAnswerOptions = Omit<FaultHead, "status">;

/** When a client shall come again: seconds, a date so many milliseconds from now (rounded up), or a text as it is. */
export type FaultRetryAfter = number | string | { readonly dateInMs: number };

/** Settings of the answer of a busy server. */
export interface FaultBusyOptions {
  /** 503 or 429. @default 503 */
  readonly status?: number;
  /** What the Retry-After says. @default there is none */
  readonly retryAfter?: FaultRetryAfter;
}

/** Faults that are none: whole answers. */
export interface AnswerFaults {
  /** Answers 200. */
  ok(body?: string | Uint8Array, options?: FaultAnswerOptions): Fault;
  /** Answers with any status and any headers; with `framing` the body is sent in one chunk, or up to the end. */
  status(status: number, body?: string | Uint8Array, options?: FaultAnswerOptions): Fault;
  /** Answers 200 with a value as JSON. */
  json(value: unknown, options?: FaultAnswerOptions): Fault;
  /** Answers 200 with the body of the request. */
  echo(options?: FaultAnswerOptions): Fault;
  /** Answers as HTTP/1.0 did: no length, and the body ends with the connection. */
  http10(body?: string | Uint8Array): Fault;
  /** Sends heads such as 100 or 103, one for each status, before the answer. */
  informational(statuses: readonly number[], then: Fault): Fault;
  /** Answers that the client shall come again. For a storm of them see `times`. */
  busy(options?: FaultBusyOptions): Fault;
  /** The same fault so many times, for a list: `[...faults.times(3, faults.busy()), faults.ok()]`. */
  times(count: number, fault: Fault): readonly Fault[];
}

export const answerFaults: AnswerFaults = {
  ok: (body, options) => answering("ok", 200, body, options),
  status: (status, body, options) => answering(`status ${status}`, status, body, options),
  json: (value, options) => {
    const headers = { "content-type": "application/json", ...options?.headers };
    return answering("json", 200, JSON.stringify(value), { ...options, headers });
  },
  echo: (options) => makeFault("echo", (wire) => answer(wire, { ...options, body: wire.request.body })),
  http10: (body) => answering("http10", 200, body, { version: "1.0", framing: "close" }),
  informational: (statuses, then) =>
    around(`${statuses.join(" ")} ${then.name}`, then, async (wire) => {
      for (const status of statuses) await wire.head({ status });
      await then.play(wire);
    }),
  busy: ({ status = 503, retryAfter } = {}) =>
    makeFault(`busy ${status}`, (wire) => {
      const headers: Record<string, string> = retryAfter === undefined ? {} : { "retry-after": textOf(retryAfter) };
      return answer(wire, { status, headers, body: "come again" });
    }),
  times: (count, fault) => {
    expectInteger("count", count, 0);
    return Array.from({ length: count }, () => fault);
  },
};

/** What is answered where the script has nothing to say. */
export const notFound: Fault = answering("not found", 404, "the script says nothing of this path");

/** A fault that only runs a function. */
export function makeFault(name: string, play: Fault["play"], reads: Fault["reads"] = "first"): Fault {
  return { name, reads, play };
}

/** A fault that is made of another, and reads as that one does. */
export function around(name: string, inner: Fault, play: Fault["play"]): Fault {
  return makeFault(name, play, inner.reads);
}

function answering(name: string, status: number, body?: string | Uint8Array, options?: FaultAnswerOptions): Fault {
  return makeFault(name, (wire) => answer(wire, { ...options, status, body }));
}

/** Sends a whole answer, as it should be. */
export async function answer(
  wire: FaultWire,
  { body = "", ...head }: FaultHead & { readonly body?: string | Uint8Array | undefined },
): Promise<void> {
  const { status = 200, framing = "length", headers } = head;
  const bytes = toBytes(body);
  const hasBody = status >= 200 && status !== 204 && status !== 304;
  await wire.head({ ...head, headers: { ...(hasBody ? headersOf[framing](bytes) : {}), ...headers } });
  if (hasBody && wire.request.method !== "HEAD") await wire.body(bytes);
  await wire.finish();
}

const headersOf = {
  length: (bytes: Uint8Array) => ({ "content-length": bytes.length }),
  chunked: () => ({ "transfer-encoding": "chunked" }),
  close: () => ({}),
};

function textOf(retryAfter: FaultRetryAfter): string {
  if (typeof retryAfter !== "object") return `${retryAfter}`;
  // The date of the world outside, which is in whole seconds: never earlier than was asked for.
  return new Date(Math.ceil((new Date().getTime() + retryAfter.dateInMs) / 1_000) * 1_000).toUTCString();
}
