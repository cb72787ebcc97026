import type { Limiter } from "../../core/index.ts";
import { AdaptiveLimiter, type AdaptiveLimiterOptions, KeyedLimiter, RateLimiter, combine } from "../../sync/index.ts";
import type { SessionOptions } from "../options.ts";
import { wrong } from "../request/check.ts";
import { Gate } from "../wire/gate.ts";

/** So many requests in each `perMs`, of which up to `burst` may go at once. */
export interface RateOptions {
  /** Requests let through in each `perMs`; 1 or more. */
  readonly limit: number;
  /** The time that `limit` is for, in milliseconds; 1 or more. */
  readonly perMs: number;
  /** Requests that may go at once after a pause; 1 or more. @default limit */
  readonly burst?: number;
}

/** What a request has to have a permit of before it gets in line. */
export interface RequestLimits {
  /** For the requests to one origin. */
  for(origin: string): Limiter;
  /** The slots of the session are others from now on. */
  change(slots: SlotLimits): void;
}

/** How many requests the slots of a session let through at once. */
export interface SlotLimits {
  readonly limit: number;
  readonly limitPerHost: number;
}

/**
 * What limits the requests of a session besides its slots; undefined if nothing does.
 *
 * Nobody is to have the permit of a rate and then wait for a slot: a slow server would then be met by all at once that
 * had gathered meanwhile. So before each rate there is a gate that lets through as many as there are slots. And what is of
 * one host comes before what is for all, where hosts take turns as they do for the slots.
 *
 * @throws {TypeError | RangeError} an option is wrong
 */
export function readLimits(options: SessionOptions, slots: SlotLimits): RequestLimits | undefined {
  const { limiter, rate, ratePerHost, adaptive } = options;
  if (limiter !== undefined && typeof (limiter as { acquire?: unknown }).acquire !== "function") {
    throw new TypeError(wrong("limiter", "a Limiter, such as a Semaphore", limiter));
  }
  const shared: Limiter[] = limiter === undefined ? [] : [limiter];
  if (rate !== undefined) shared.push(makeRate("rate", rate, undefined));
  const makeOwn = ownLimiters(ratePerHost, adaptive);
  if (makeOwn === undefined && shared.length === 0) return undefined;
  const perHost = makeOwn && new KeyedLimiter(makeOwn);
  const hostGate = ratePerHost && new Gate(Infinity, atOnce(slots));
  const gate = shared.length === 0 ? undefined : new Gate(slots.limit, slots.limitPerHost);
  return {
    for(origin) {
      const own = [hostGate, perHost, gate].flatMap((one) => one?.for(origin) ?? []);
      return combine(...own, ...shared);
    },
    change(changed) {
      hostGate?.change(Infinity, atOnce(changed));
      gate?.change(changed.limit, changed.limitPerHost);
    },
  };
}

/** How many of one host have a slot at most. */
function atOnce({ limit, limitPerHost }: SlotLimits): number {
  return Math.min(limit, limitPerHost);
}

/** What makes the limiter of one host. Everything is checked here, before the first host is asked. */
function ownLimiters(
  rate: RateOptions | undefined,
  adaptive: AdaptiveLimiterOptions | boolean | undefined,
): ((origin: string) => Limiter) | undefined {
  const learning = adaptive === true ? {} : adaptive;
  if (learning !== undefined && learning !== false) {
    if (typeof learning !== "object" || learning === null) {
      throw new TypeError(wrong("adaptive", "an object or a boolean", learning));
    }
    new AdaptiveLimiter(learning).statistics();
  } else if (rate === undefined) return undefined;
  if (rate !== undefined) makeRate("ratePerHost", rate, undefined);
  return (origin) => {
    const name = origin.slice(origin.indexOf("//") + 2);
    const all: Limiter[] = [];
    if (typeof learning === "object") all.push(new AdaptiveLimiter({ name, ...learning }));
    if (rate !== undefined) all.push(makeRate("ratePerHost", rate, name));
    return all.length === 1 ? all[0]! : combine(...all);
  };
}

function makeRate(option: string, rate: RateOptions, name = "all hosts"): RateLimiter {
  if (typeof rate !== "object" || rate === null) throw new TypeError(wrong(option, "{ limit, perMs }", rate));
  const { limit, perMs, burst } = rate;
  try {
    return new RateLimiter({ limit, perMs, name, ...(burst !== undefined && { burst }) });
  } catch (error) {
    // As it says "Expected `limit` ...", which is another option here.
    const { message, constructor: Kind } = error as Error;
    throw new (Kind as ErrorConstructor)(message.replace("Expected `", `Expected \`${option}.`));
  }
}
