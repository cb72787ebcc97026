/** What goes between a pool and its workers. Both sides import this file, and so agree on it. */
import type { CancelReason, Travelling } from "../../core/index.ts";
import type { EncodedError } from "./error-codec.ts";
import type { MessagePort } from "node:worker_threads";

/** Where a worker finds a function: an export of a module, or what it has given to `defineTask` or `cpu`. */
export interface TaskPlace {
  readonly module: string;
  readonly name: string;
  /** Which one of that name within the module, counted from 0 as they were defined; undefined for an export. */
  readonly ordinal: number | undefined;
}

/** What is done with a function: called once, called with each of some items, or read as an iterable. */
export const calling = { once: 0, each: 1, stream: 2 } as const;
export type Calling = (typeof calling)[keyof typeof calling];

/** What may be added to how a function is called: its caller listens to its progress; the arguments are {@link WithVariables}. */
export const extra = { progress: 4, variables: 8 } as const;

/** The number of a {@link Calling} without what was added. */
export const callingBits = 3;

/** Arguments that bring context variables. */
export type WithVariables = readonly [variables: Travelling, args: readonly unknown[]];

/**
 * A worker is sent calls as one flat array: how, the number of the function, how many arguments, the arguments, and so on.
 * An array for each would take longer to copy than all of it.
 */
export type Calls = readonly unknown[];

/** All else that a worker is sent. */
export type Order =
  | { readonly kind: "define"; readonly task: number; readonly place: TaskPlace }
  | { readonly kind: "cancel"; readonly call: number; readonly reason: CancelReason }
  /** So many items of a stream were read. */
  | { readonly kind: "read"; readonly call: number; readonly items: number };

/** How a call came out, or that it goes on. */
export const came = { value: 0, error: 1, cancelled: 2, item: 3, progress: 4 } as const;

/** What a worker leaves for its pool: the number of the call, how it came out, and with what. */
export type Reply =
  | readonly [call: number, typeof came.value | typeof came.item | typeof came.progress, value: unknown]
  | readonly [call: number, typeof came.error, error: EncodedError]
  | readonly [call: number, typeof came.cancelled];

/** Whether nothing more comes of its call. */
export function isLast(reply: Reply): boolean {
  return reply[1] < came.item;
}

/** What a worker says: it can be sent calls, there are replies in its port, it has had nothing to do for long. */
export type Signal = "ready" | "replies" | "idle";

/** What a thread is made with. */
export interface ThreadData {
  readonly slots: SharedArrayBuffer;
  readonly replies: MessagePort;
  readonly idleMs: number;
  readonly init: TaskPlace | undefined;
}

/** So many items of a stream may be unread. */
export const streamWindow = 16;

/** What a process is sent first, serialized as all that it is sent. */
export interface ProcessData {
  readonly idleMs: number;
  readonly init: TaskPlace | undefined;
}

/** What a process says, under a name: a task may send messages of its own. Replies are serialized, as {@link ProcessReply}. */
export interface ProcessMessage {
  readonly taskwright: Signal | Uint8Array | { readonly failure: EncodedError };
}

/** A reply, and how long the function takes by now on the average, in milliseconds. */
export type ProcessReply = readonly [reply: Reply, task: number, averageMs: number | undefined];
