import type { Limiter } from "../../core/index.ts";
import {
  AdaptiveLimiter,
  type AdaptiveLimiterOptions,
  KeyedLimiter,
  RateLimiter,
  Semaphore,
  combine,
} from "../../sync/index.ts";
import type { SessionOptions } from "../options.ts";
import { wrong } from "../request/check.ts";

/** So many requests in each `perMs`, of which up to `burst` may go at once. */
export interface RateOptions {
  /** Requests let through in each `perMs`; 1 or more. */
  readonly limit: number;
  /** The time that `limit` is for, in milliseconds; 1 or more. */
  readonly perMs: number;
  /** Requests that may go at once after a pause; 1 or more. @default limit */
  readonly burst?: number;
}

/** What a request has to have a permit of before it gets in line, for each origin. */
export type LimiterFor = (origin: string) => Limiter;

/** How many requests the slots of a session let through at once. */
interface SlotLimits {
  readonly limit: number;
  readonly limitPerHost: number;
}

/**
 * What limits the requests of a session besides its slots; undefined if nothing does.
 *
 * Nobody is to have the permit of a rate and then wait for a slot: a slow server would then be met by all at once that
 * had gathered meanwhile. So each rate comes after a semaphore of as many permits as there are slots. And what is of one
 * host comes before what is for all: no more of one host stand in the common line than it has slots.
 *
 * @throws {TypeError | RangeError} an option is wrong
 */
export function readLimits(options: SessionOptions, slots: SlotLimits): LimiterFor | undefined {
  const { limiter, rate, ratePerHost, adaptive } = options;
  if (limiter !== undefined && typeof (limiter as { acquire?: unknown }).acquire !== "function") {
    throw new TypeError(wrong("limiter", "a Limiter, such as a Semaphore", limiter));
  }
  const shared: Limiter[] = limiter === undefined ? [] : [limiter];
  if (rate !== undefined) shared.push(new Semaphore(slots.limit), makeRate("rate", rate, undefined));
  const makeOwn = ownLimiters(ratePerHost, adaptive, slots);
  if (makeOwn === undefined) {
    if (shared.length === 0) return undefined;
    const all = shared.length === 1 ? shared[0]! : combine(...shared);
    return () => all;
  }
  const perHost = new KeyedLimiter(makeOwn);
  return (origin) => (shared.length === 0 ? perHost.for(origin) : combine(perHost.for(origin), ...shared));
}

/** What makes the limiter of one host. Everything is checked here, before the first host is asked. */
function ownLimiters(
  rate: RateOptions | undefined,
  adaptive: AdaptiveLimiterOptions | boolean | undefined,
  slots: SlotLimits,
): LimiterFor | undefined {
  const learning = adaptive === true ? {} : adaptive;
  if (learning !== undefined && learning !== false) {
    if (typeof learning !== "object" || learning === null) {
      throw new TypeError(wrong("adaptive", "an object or a boolean", learning));
    }
    new AdaptiveLimiter(learning).statistics();
  } else if (rate === undefined) return undefined;
  if (rate !== undefined) makeRate("ratePerHost", rate, undefined);
  const atOnce = Math.min(slots.limit, slots.limitPerHost);
  return (origin) => {
    const name = origin.slice(origin.indexOf("//") + 2);
    const all: Limiter[] = [];
    if (typeof learning === "object") all.push(new AdaptiveLimiter({ name, ...learning }));
    if (rate !== undefined) all.push(new Semaphore(atOnce, { name }), makeRate("ratePerHost", rate, name));
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
