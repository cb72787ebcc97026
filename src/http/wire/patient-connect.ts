import { Timer, outside, realClock } from "../../core/index.ts";
import type { Connected, Connecting, ConnectTo, Connector } from "../undici.ts";

/** What a socket fails with when the process, or the machine, has no descriptors left. */
const exhausted: ReadonlySet<unknown> = new Set(["EMFILE", "ENFILE"]);

/** How long until it is tried again, at first and at most. */
const firstMs = 20;
const maxMs = 1_000;

/**
 * Connects, and where there are no descriptors left, waits for one and tries again: others will be through in time.
 *
 * @param ranOut - called each time there was none: to close what nobody needs, and to let time run anew
 */
export function connectPatiently(
  connect: Connector,
  to: ConnectTo,
  connected: Connected,
  ranOut: () => void,
): Connecting {
  let delayMs = firstMs;
  let current: Connecting;
  const attempt = (): void => {
    current = connect(to, (error, socket) => {
      if (error === null || !isExhausted(error)) return connected(error, socket);
      const timer = new Timer(() => outside(attempt));
      current = { destroy: () => timer.cancel() };
      realClock.schedule(realClock.now() + delayMs, timer);
      delayMs = Math.min(2 * delayMs, maxMs);
      ranOut();
    });
  };
  attempt();
  return { destroy: () => current.destroy() };
}

/** Behind a failure of a proxy stands that of the socket to it. */
function isExhausted(error: Error & { code?: unknown }): boolean {
  return exhausted.has(error.code) || exhausted.has((error.cause as { code?: unknown } | undefined)?.code);
}
