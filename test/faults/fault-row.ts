/** The words of the fault table: what a row says, and what follows from it. */
import type { DnsAnswer, Fault, FaultServerOptions } from "../../src/testing/index.ts";

/** How asking for something and reading it ends. */
export interface Ending {
  /** Where it fails: `session.get` rejects, or reading the body does; "never" for an answer. */
  readonly fails: "never" | "get" | "body";
  /** Of the answer; also of one whose body fails. */
  readonly status?: number;
  /** What can be read. Not compared if left out. */
  readonly text?: string;
  /** Of the error. */
  readonly code?: string;
  readonly phase?: string;
  readonly causeCode?: string;
  /** Whether it may go better when it is asked again. */
  readonly isRetried: boolean;
}

/** One line of the table. */
export interface FaultRow {
  /** As it is written in a script. */
  readonly fault: string;
  /** What the server does, for readers. */
  readonly does: string;
  /** The same for the server. What is left out answers well. */
  readonly plays?: Fault;
  readonly server?: FaultServerOptions;
  /** What a DNS server says of the host. Its address is used if left out. */
  readonly dns?: DnsAnswer;
  /** The server is a proxy, and what is asked for is an https URL behind it. */
  readonly isProxy?: boolean;
  /** Nobody listens. */
  readonly isDown?: boolean;
  /** @default GET */
  readonly request?: { readonly method: string; readonly body?: string };
  readonly ends: Ending;
  /** Of a session that asks again, where something else follows. */
  readonly retried?: Ending;
  /** Which connection the next request goes over; "lost" where it goes over the same, and is lost with it. @default by `ends` */
  readonly next?: "same" | "new" | "lost";
  /** Requests of a session that does not retry. @default 1 */
  readonly requests?: number;
  /** For how long it asks to be left alone: that is waited out without counting attempts, as often as it asks. */
  readonly pausesMs?: number;
  /** It is not made up for within a short time, even where it comes once only. */
  readonly lasts?: boolean;
  /** Attempts of a session that always meets it. @default 3 where it is retried, and there are headers */
  readonly attempts?: number;
  /** Of a batch, where something else than {@link ends} follows. */
  readonly fetch?: Partial<Ending> & { readonly attempts?: number; readonly pausesMs?: number };
  /** The server does not see that the client has gone. */
  readonly isDeaf?: boolean;
  /** What else is to be said of sessions. */
  readonly note?: string;
}

/** Rows under a heading. */
export interface FaultGroup {
  readonly title: string;
  readonly rows: readonly FaultRow[];
}

const retriedStatus = /^(?:408|425|429|5\d\d)$/;

/** An answer. */
export function answer(status: number, text?: string): Ending {
  const isRetried = retriedStatus.test(String(status));
  return text === undefined ? { fails: "never", status, isRetried } : { fails: "never", status, text, isRetried };
}

/** No connection, or one that breaks before the headers. */
export function broke(phase: "connect" | "request", causeCode: string, isRetried = true): Ending {
  return { fails: "get", code: "HTTP_CONNECTION", phase, causeCode, isRetried };
}

/** A proxy that does not let it through. */
export function refused(status: number | undefined, causeCode?: string, isRetried = false): Ending {
  const ending = { fails: "get", code: "HTTP_PROXY", isRetried } as const;
  return { ...ending, ...(status !== undefined && { status }), ...(causeCode !== undefined && { causeCode }) };
}

/** A connection that breaks within the body. */
export function brokeOff(causeCode?: string, status = 200): Ending {
  const ending = { fails: "body", status, code: "HTTP_CONNECTION", phase: "response", isRetried: true } as const;
  return causeCode === undefined ? ending : { ...ending, causeCode };
}

/** Too late. */
export function late(phase: "connect" | "headers" | "idle"): Ending {
  return { fails: "get", code: "HTTP_TIMEOUT", phase, isRetried: true };
}

/** A body that comes too late. */
export const lateBody: Ending = { ...late("idle"), fails: "body", status: 200 };

/** A head that is not HTTP. */
export const notHttp: Ending = { fails: "get", code: "HTTP_PROTOCOL", isRetried: false };

/** A body that is not HTTP. */
export const badBody: Ending = { ...notHttp, fails: "body", status: 200 };

/** A body that is too long. */
export const tooLarge: Ending = { fails: "body", status: 200, code: "HTTP_BODY_TOO_LARGE", isRetried: false };

/** A body that cannot be decompressed. */
export const badEncoding: Ending = { fails: "body", status: 200, code: "HTTP_CONTENT_ENCODING", isRetried: false };

/** A redirect that is not followed. */
export const badRedirect: Ending = { fails: "get", status: 302, code: "HTTP_REDIRECT", isRetried: false };

/** What batches do with redirects, unless they are told to follow them. */
export const notFollowed: Partial<Ending> = { fails: "never", status: 302 };

/** What batches do with compressed bodies, which they do not ask for, unless they are told to. */
export const asItCame: Partial<Ending> = { fails: "never", status: 200 };

/** How often a session asks that always meets it, by default. */
export function sessionAttempts(row: FaultRow): number {
  const { ends, attempts, requests, pausesMs } = row;
  if (pausesMs !== undefined) return 1;
  return attempts ?? requests ?? (ends.isRetried && ends.fails !== "body" ? 3 : 1);
}

/** How often a batch does. */
export function fetchAttempts(row: FaultRow): number {
  const ends = fetchEnding(row);
  return (
    row.fetch?.attempts ?? (row.fetch?.isRetried === undefined ? row.attempts : undefined) ?? (ends.isRetried ? 3 : 1)
  );
}

/** Whether the server can tell how often it was asked. */
export function isCounted({ dns, isDown }: FaultRow): boolean {
  return dns === undefined && isDown !== true;
}

/** How it ends in a batch. */
export function fetchEnding({ ends, fetch }: FaultRow): Ending {
  return { ...ends, ...fetch };
}

/** How long a batch leaves the host alone; undefined if it does not. */
export function fetchPausesMs({ pausesMs, fetch }: FaultRow): number | undefined {
  return fetch?.pausesMs ?? pausesMs;
}

/** The code in a result: that of the system says more than ours. */
export function fetchCode({ code, causeCode }: Ending): string | undefined {
  if (code !== "HTTP_CONNECTION" || causeCode === undefined) return code;
  return causeCode.startsWith("UND_") ? code : causeCode;
}

/** Which connection the next request goes over. */
export function nextConnection({ ends, next }: FaultRow): "same" | "new" | "lost" {
  return next ?? (ends.fails === "never" ? "same" : "new");
}
