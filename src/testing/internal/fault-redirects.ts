/** Redirects: where to, how often, and without an end. */
import { expectInteger } from "../../core/index.ts";
import { answer, around, makeFault } from "./fault-answers.ts";
import type { Fault, FaultWire } from "./fault-script.ts";

/** Settings of a redirect. */
export interface FaultRedirectOptions {
  /** 301, 302, 303, 307 or 308. @default 302 */
  readonly status?: number;
  /** Whether a chain or a loop names its next step by a whole URL, rather than by a path. @default false */
  readonly absolute?: boolean;
}

/** Faults that send the client elsewhere. */
export interface RedirectFaults {
  /**
   * Sends the client to `location`, which is sent as it is: a path, a URL of another host, with a user and a password,
   * of http where this is https, or nonsense.
   */
  redirect(location: string, options?: FaultRedirectOptions): Fault;
  /** Sends the client `hops` times to the same path with another query, `?hop=1` and on, and answers with `last`. */
  redirectChain(hops: number, last: Fault, options?: FaultRedirectOptions): Fault;
  /** Sends the client round and round: through as many paths as `length` says, by default to where it is. */
  redirectLoop(length?: number, options?: FaultRedirectOptions): Fault;
}

export const redirectFaults: RedirectFaults = {
  redirect: (location, options) => makeFault("redirect", (wire) => redirectTo(wire, location, options)),
  redirectChain: (hops, last, options) => {
    expectInteger("hops", hops, 0);
    return around("redirect chain", last, (wire) => {
      const hop = hopOf(wire);
      return hop >= hops ? last.play(wire) : redirectTo(wire, hopTo(wire, hop + 1, options), options);
    });
  },
  redirectLoop: (length = 1, options) => {
    expectInteger("length", length, 1);
    return makeFault("redirect loop", (wire) => {
      return redirectTo(wire, hopTo(wire, (hopOf(wire) + 1) % length, options), options);
    });
  },
};

function redirectTo(wire: FaultWire, location: string, { status = 302 }: FaultRedirectOptions = {}): Promise<void> {
  return answer(wire, { status, headers: { location } });
}

function hopOf({ request }: FaultWire): number {
  return Number(new URLSearchParams(request.query).get("hop") ?? 0);
}

function hopTo({ request }: FaultWire, hop: number, { absolute = false }: FaultRedirectOptions = {}): string {
  const target = hop === 0 ? request.path : `${request.path}?hop=${hop}`;
  return absolute ? new URL(target, request.url).href : target;
}
