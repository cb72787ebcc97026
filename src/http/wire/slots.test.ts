import fc from "fast-check";
import { expect, test } from "vitest";
import { Link } from "../../core/index.ts";
import { type Job, Lane, Slots } from "./slots.ts";

class TestJob extends Link implements Job {
  readonly host: Lane;
  readonly name: string;
  readonly started: string[];

  constructor(host: Lane, name: string, started: string[]) {
    super();
    this.host = host;
    this.name = name;
    this.started = started;
  }

  start(): void {
    this.started.push(this.name);
  }

  sessionClosed(): void {}
}

test("jobs of one host start in order", () => {
  const slots = new Slots(1, Infinity);
  const host = new Lane();
  const started: string[] = [];
  for (const name of ["a", "b", "c"]) slots.enter(new TestJob(host, name, started));
  expect(started).toEqual(["a"]);
  slots.leave(host);
  slots.leave(host);
  expect(started).toEqual(["a", "b", "c"]);
});

test("hosts take turns", () => {
  const slots = new Slots(1, Infinity);
  const [a, b, c] = [new Lane(), new Lane(), new Lane()];
  const started: string[] = [];
  for (const name of ["a1", "a2", "a3"]) slots.enter(new TestJob(a, name, started));
  for (const name of ["b1", "b2"]) slots.enter(new TestJob(b, name, started));
  slots.enter(new TestJob(c, "c1", started));
  for (const host of [a, a, b, c, a]) slots.leave(host);
  expect(started).toEqual(["a1", "a2", "b1", "c1", "a3", "b2"]);
});

test("a full host keeps nobody else waiting", () => {
  const slots = new Slots(3, 1);
  const [a, b] = [new Lane(), new Lane()];
  const started: string[] = [];
  for (const name of ["a1", "a2", "a3"]) slots.enter(new TestJob(a, name, started));
  slots.enter(new TestJob(b, "b1", started));
  expect(started).toEqual(["a1", "b1"]);
});

test("limits hold, nobody is lost, and no slot stays free while somebody could have it", () => {
  const action = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("enter" as const), host: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("leave" as const), pick: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("withdraw" as const), pick: fc.nat() }) },
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 1, max: 3 }),
      fc.array(action),
      (limit, perHost, actions) => {
        const slots = new Slots(limit, perHost);
        const hosts = [new Lane(), new Lane(), new Lane(), new Lane()];
        const [waiting, running]: [Set<Job>, Set<Job>] = [new Set(), new Set()];
        class ModelJob extends TestJob {
          override start(): void {
            expect(waiting.delete(this)).toBe(true);
            const earlier = [...waiting].find((job) => job.host === this.host);
            expect(earlier === undefined || Number((earlier as TestJob).name) > Number(this.name)).toBe(true);
            running.add(this);
          }
        }
        actions.forEach((step, i) => {
          if (step.kind === "enter") {
            const job = new ModelJob(hosts[step.host]!, String(i), []);
            waiting.add(job);
            slots.enter(job);
          } else {
            const from = step.kind === "leave" ? running : waiting;
            const job = [...from][step.pick % from.size];
            if (job === undefined) return;
            from.delete(job);
            if (step.kind === "leave") slots.leave(job.host);
            else slots.withdraw(job);
          }
          const runningOf = (host: Lane) => [...running].filter((job) => job.host === host).length;
          expect([slots.active, slots.waiting]).toEqual([running.size, waiting.size]);
          expect(running.size).toBeLessThanOrEqual(limit);
          for (const host of hosts) expect(runningOf(host)).toBeLessThanOrEqual(perHost);
          const couldStart = [...waiting].some((job) => runningOf(job.host) < perHost);
          expect(couldStart && running.size < limit).toBe(false);
        });
      },
    ),
  );
});

test("a long line of jobs that fail at once is worked off without recursion", () => {
  const slots = new Slots(1, Infinity);
  const host = new Lane();
  let failed = 0;
  class FailingJob extends TestJob {
    override start(): void {
      failed++;
      slots.leave(this.host);
    }
  }
  slots.enter(new TestJob(host, "first", []));
  for (let i = 0; i < 100_000; i++) slots.enter(new FailingJob(host, "failing", []));
  slots.leave(host);
  expect(failed).toBe(100_000);
  expect([slots.active, slots.waiting]).toEqual([0, 0]);
});
