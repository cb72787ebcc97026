/** Hosts that throttle, many at once: nothing is lost, nobody is hammered, and the others go on. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { expect, test } from "vitest";
import { httpServer } from "../../test/http-server.ts";
import { type Clock, currentScope, realClock } from "../core/index.ts";
import { withVirtualTime } from "../testing/index.ts";
import { fetchAll } from "./index.ts";

/** What all hosts share. */
interface World {
  clock: Clock;
  /** Answers of all. */
  answered: number;
}

/** A host that after every `calm` answers refuses everybody for `stormMs`. */
class StormyHost {
  answered = 0;
  refused = 0;
  /** Those that came after it had asked for none, and before the time it had asked for. */
  tooEarly = 0;
  /** What others answered during each of its storms. */
  readonly othersMeanwhile: number[] = [];
  readonly #calm: number;
  readonly #stormMs: number;
  readonly #saysDate: boolean;
  readonly #world: World;
  #allAtStorm = 0;
  #leftUntilStorm: number;
  #untilMs = -Infinity;

  constructor(calm: number, stormMs: number, saysDate: boolean, world: World) {
    this.#calm = calm;
    this.#leftUntilStorm = calm;
    this.#stormMs = stormMs;
    this.#saysDate = saysDate;
    this.#world = world;
  }

  readonly answer = (_request: IncomingMessage, response: ServerResponse): void => {
    const nowMs = this.#world.clock.now();
    if (nowMs < this.#untilMs) {
      this.tooEarly++;
      return this.#refuse(response, nowMs);
    }
    if (this.#untilMs > -Infinity) this.othersMeanwhile.push(this.#world.answered - this.#allAtStorm);
    this.#untilMs = -Infinity;
    if (this.#leftUntilStorm-- > 0) {
      this.answered++;
      this.#world.answered++;
      return void response.end("ok");
    }
    this.#leftUntilStorm = this.#calm;
    this.#untilMs = nowMs + this.#stormMs;
    this.#allAtStorm = this.#world.answered;
    this.#refuse(response, nowMs);
  };

  #refuse(response: ServerResponse, nowMs: number): void {
    this.refused++;
    const seconds = Math.ceil((this.#untilMs - nowMs) / 1_000);
    response.setHeader("date", dateAt(nowMs));
    response.setHeader("retry-after", this.#saysDate ? dateAt(nowMs + seconds * 1_000) : seconds);
    response.writeHead(this.#saysDate ? 503 : 429).end("later");
  }
}

function dateAt(ms: number): string {
  return new Date(Date.UTC(2026, 0) + Math.floor(ms / 1_000) * 1_000).toUTCString();
}

test("a storm of refusals over 20 hosts loses nothing, and no host hears of anybody before its time", async () => {
  const hostCount = 20;
  const jobsPerHost = 200;
  const perHost = 5;
  const world: World = { clock: realClock, answered: 0 };
  const hosts = [...Array(hostCount).keys()].map(
    (index) => new StormyHost(20 + index, 1_000 * (1 + (index % 5)), index % 2 === 0, world),
  );
  await using servers = new AsyncDisposableStack();
  const served: Awaited<ReturnType<typeof httpServer>>[] = [];
  for (const host of hosts) served.push(servers.use(await httpServer(host.answer)));
  const urls = [...Array(hostCount * jobsPerHost).keys()].map((index) => served[index % hostCount]!.url(`/${index}`));
  const seen = new Map<string, number>();
  await withVirtualTime(async () => {
    world.clock = currentScope().tree.clock;
    for await (const { request, status } of fetchAll(urls, { concurrency: 60, perHost })) {
      expect(status).toBe(200);
      seen.set(request as string, (seen.get(request as string) ?? 0) + 1);
    }
  });
  expect(seen.size).toBe(urls.length);
  expect(hosts.map(({ answered }) => answered)).toEqual(Array(hostCount).fill(jobsPerHost));
  const storms = hosts.map((_, index) => Math.floor((jobsPerHost - 1) / (20 + index)));
  for (const [index, { refused, tooEarly, othersMeanwhile }] of hosts.entries()) {
    expect(othersMeanwhile[0]).toBeGreaterThan(0);
    // Of each storm one is told first, and those hear of it too that were on their way.
    expect(tooEarly).toBeLessThanOrEqual(storms[index]! * (perHost - 1));
    expect(refused).toBe(storms[index]! + tooEarly);
  }
});
