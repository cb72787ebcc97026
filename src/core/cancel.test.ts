import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as platformSleep } from "node:timers/promises";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { loopTurns, thrownBy, virtually, whatIsLeft } from "../../test/core/helpers.ts";
import {
  type CancelReason,
  type Scope,
  Cancelled,
  Event,
  Queue,
  ScopeClosedError,
  Semaphore,
  TimeoutError,
  background,
  breathe,
  cancelScope,
  checkpoint,
  gather,
  interruptible,
  map,
  mapStream,
  moveOnAfter,
  race,
  retry,
  run,
  settle,
  shield,
  sleep,
  taskGroup,
  timeout,
} from "../index.ts";

/** Every wait of ours that throws in a cancelled scope. */
const waits: Record<string, () => Promise<unknown>> = {
  sleep: () => sleep(10),
  "sleep(0)": () => sleep(0),
  checkpoint,
  breathe,
  "Semaphore.acquire": () => new Semaphore(1).acquire(),
  "Semaphore.run": () => new Semaphore(1).run(() => 1),
  "Event.wait": () => new Event().wait(),
  "Event.wait, when set": () => {
    const event = new Event();
    event.set();
    return event.wait();
  },
  "Queue.get": () => new Queue().get(),
  "Queue.put": () => new Queue().put(1),
  "Queue.join": () => new Queue().join(),
  "Queue, iterated": async () => {
    for await (const item of new Queue()) throw new Error(`got ${String(item)}`);
  },
  interruptible: () => interruptible(Promise.resolve()),
  "mapStream, read": () => mapStream([1], (n) => n, { concurrency: 1 }).next(),
  map: () => map([1], (n) => n, { concurrency: 1 }),
  "retry, with a checkpoint": () => retry(() => checkpoint()),
  "taskGroup, with a checkpoint": () => taskGroup(() => checkpoint()),
  "timeout, with a checkpoint": () => timeout(1_000, () => checkpoint()),
  "run, with a checkpoint": () => run(() => checkpoint(), { signals: false }),
  "gather, with a checkpoint": () => gather([() => checkpoint()]),
  "settle, with a checkpoint": () => settle([() => checkpoint()]),
  "race, with a checkpoint": () => race([() => checkpoint()]),
};

test.for(Object.entries(waits))("%s throws the Cancelled in a cancelled scope, each time again", ([, wait]) =>
  virtually(async () => {
    const thrown: unknown[] = [];
    await cancelScope(async (scope) => {
      scope.cancel("stop");
      for (let n = 0; n < 3; n++) thrown.push(await thrownBy(wait()));
      expect(whatIsLeft(scope)).toEqual([]);
    });

    expect(thrown).toEqual([expect.any(Cancelled), expect.any(Cancelled), expect.any(Cancelled)]);
    expect((thrown[0] as Cancelled).reason).toEqual({ kind: "requested", why: "stop" });
  })(),
);

test(
  "when a scope is cancelled every wait in it, however deep, ends with one and the same Cancelled",
  virtually(async () => {
    const thrown = new Set<unknown>();
    const keep = async (wait: () => Promise<unknown>): Promise<void> => void thrown.add(await thrownBy(wait()));
    await cancelScope(async (scope) => {
      await taskGroup(async (group) => {
        for (const wait of [
          () => sleep(1_000),
          () => new Event().wait(),
          () => new Queue().get(),
          () => new Semaphore(0).acquire(),
        ]) {
          group.spawn(() => keep(wait));
          group.spawn(() => timeout(500, () => taskGroup((inner) => inner.spawn(() => keep(wait)).join())));
        }
        await checkpoint();
        scope.cancel();
        await keep(checkpoint);
      });
    });

    expect(thrown.size).toBe(1);
    expect([...thrown][0]).toBeInstanceOf(Cancelled);
  }),
);

test(
  "who has waited longest learns first that its scope is cancelled, within a scope and from task to task",
  virtually(async () => {
    const log: string[] = [];
    const wait = async (name: string): Promise<void> => {
      await sleep(Infinity).finally(() => log.push(name));
    };
    await cancelScope(async (scope) => {
      await taskGroup(async (group) => {
        for (const name of ["a", "b", "c"]) group.spawn(() => Promise.all([wait(`${name}1`), wait(`${name}2`)]));
        await sleep(1);
        scope.cancel();
      });
    });

    expect(log).toEqual(["a1", "a2", "b1", "b2", "c1", "c2"]);
  }),
);

test(
  "a Cancelled is an AbortError of the platform's kind, with the reason",
  virtually(async () => {
    await cancelScope(async (scope) => {
      scope.cancel("too slow");
      const error = (await thrownBy(sleep(1))) as Cancelled;

      expect(error).toBeInstanceOf(Error);
      expect([error.name, error.code, error.message]).toEqual(["AbortError", "ABORT_ERR", "cancelled: too slow"]);
      expect(error.reason).toEqual({ kind: "requested", why: "too slow" });
    });
  }),
);

test(
  "the stack of a Cancelled shows who cancelled, where somebody did",
  virtually(async () => {
    const stacks: (string | undefined)[] = [];
    const limit = Error.stackTraceLimit;
    const waitForIt = async (): Promise<void> => {
      stacks.push(((await thrownBy(sleep(Infinity))) as Error).stack);
    };
    await taskGroup((group) => group.spawn(waitForIt).cancel("by me"));
    await moveOnAfter(5, waitForIt);

    expect(stacks[0]).toMatch(/Error: cancelled: by me\n[^]*cancel\.test\.ts/);
    expect(stacks[1]).toMatch(/Error: cancelled: the deadline passed$/);
    expect(Error.stackTraceLimit).toBe(limit);
  }),
);

test(
  "of very many that are cancelled in a row the first ones tell by whom, also where the depth of stacks is fixed",
  virtually(async () => {
    const { stackTraceLimit } = Error;
    let shown = 0;
    const waitForIt = async (): Promise<void> => {
      if (((await thrownBy(sleep(Infinity))) as Error).stack!.includes("cancel.test.ts")) shown++;
    };
    const cancelMany = async (): Promise<number> => {
      shown = 0;
      await checkpoint();
      await taskGroup((group) => {
        for (const task of Array.from({ length: 1_000 }, () => group.spawn(waitForIt))) task.cancel();
      });
      return shown;
    };

    expect(await cancelMany()).toBe(100);
    expect(await cancelMany()).toBe(100);
    Object.defineProperty(Error, "stackTraceLimit", { value: stackTraceLimit, writable: false });
    try {
      expect(await cancelMany()).toBe(1_000);
    } finally {
      Object.defineProperty(Error, "stackTraceLimit", { value: stackTraceLimit, writable: true });
    }
  }),
);

test(
  "only the first cancel of a scope counts",
  virtually(async () => {
    await cancelScope(async (scope) => {
      scope.cancel("first");
      scope.cancel("second");
      scope.deadline = -1;
      expect(scope.cancelled).toEqual({ kind: "requested", why: "first" });
      expect(await thrownBy(sleep(1))).toMatchObject({ reason: { why: "first" } });
    });
  }),
);

const reasons: CancelReason[] = [
  { kind: "requested" },
  { kind: "requested", why: "no more" },
  { kind: "disconnected", peer: "10.0.0.1" },
  { kind: "disconnected" },
  { kind: "unneeded", why: "the answer came from elsewhere" },
  { kind: "signal", signal: "SIGHUP" },
  { kind: "deadline", deadline: 5 },
  { kind: "sibling-failed", task: "other", error: new Error("no") },
];

test.for(reasons.map((reason): [string, CancelReason] => [reason.kind, reason]))(
  "why a scope was cancelled is told to all who ask, in it and below: %s",
  ([, reason]) =>
    virtually(async () => {
      const told: unknown[] = [];
      await cancelScope(async (scope) => {
        await taskGroup((group) => {
          group.spawn(async (own) => {
            const error = (await thrownBy(sleep(Infinity))) as Cancelled;
            told.push(error.reason, own.cancelled, own.signal.reason);
            expect(own.signal.reason).toBe(error);
          });
          scope.cancel(reason);
        });
        told.push(scope.cancelled);
      });

      expect(told).toEqual([reason, reason, expect.any(Cancelled), reason]);
    })(),
);

test.for([null, 5, false, {}, { kind: "bored" }, new Error("no"), Object.create(null)])(
  "cancel refuses %o as a reason, and cancels nothing",
  (reason) =>
    virtually(async () => {
      const cut = await moveOnAfter(20, async (scope) => {
        const cancel = (): void => scope.cancel(reason as string);
        expect(cancel).toThrow(TypeError);
        expect(cancel).toThrow("Expected `reason` to be a string, or an object");
        await sleep(10);
        expect(scope.cancelled).toBeUndefined();
        // The deadline is what it was.
        await sleep(30);
        return "not here";
      });

      expect(cut).toBeUndefined();
    })(),
);

test("the message of a Cancelled says why", () => {
  expect(reasons.map((reason) => new Cancelled(reason).message)).toEqual([
    "cancelled: requested",
    "cancelled: no more",
    "cancelled: 10.0.0.1 disconnected",
    "cancelled: the peer disconnected",
    "cancelled: the answer came from elsewhere",
    "cancelled: SIGHUP",
    "cancelled: the deadline passed",
    "cancelled: other failed: Error: no",
  ]);
  const strange = { kind: "sibling-failed", task: "t" } as const;
  expect(new Cancelled({ ...strange, error: Object.create(null) as unknown }).message).toBe(
    "cancelled: t failed: a value without a text form",
  );
  expect(new Cancelled({ ...strange, error: new Error("a\nb") }).message).toBe("cancelled: t failed: Error: a");
  expect(new Cancelled({ ...strange, error: "text" }).message).toBe("cancelled: t failed: text");
});

const endsIn = async (first: "inner" | "outer"): Promise<string[]> => {
  const log: string[] = [];
  await cancelScope(async (outer) => {
    await cancelScope(async (inner) => {
      const both = { inner, outer };
      both[first].cancel();
      both[first === "inner" ? "outer" : "inner"].cancel();
      await checkpoint();
    });
    log.push("after the inner scope");
  });
  log.push("after the outer scope");
  return log;
};

test(
  "the outermost cancelled scope catches, whichever was cancelled first",
  virtually(async () => {
    expect(await endsIn("inner")).toEqual(["after the outer scope"]);
    expect(await endsIn("outer")).toEqual(["after the outer scope"]);
  }),
);

test(
  "a scope that was cancelled alone catches, and the code after it goes on",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope(async (outer) => {
      await cancelScope(async (inner) => {
        inner.cancel();
        await checkpoint();
      });
      await checkpoint();
      log.push("went on");
      expect(outer.cancelled).toBeUndefined();
    });

    expect(log).toEqual(["went on"]);
  }),
);

test(
  "cancelling an inner scope does not touch the scopes around it, nor those beside it",
  virtually(async () => {
    await cancelScope(async (outer) => {
      await taskGroup(async (group) => {
        const beside = group.spawn((scope) => sleep(5).then(() => scope.cancelled));
        const cut = group.spawn(() => cancelScope((inner) => (inner.cancel(), checkpoint())));
        expect(await beside.join()).toBeUndefined();
        expect(await cut.join()).toBeUndefined();
      });
      expect([outer.cancelled, outer.signal.aborted]).toEqual([undefined, false]);
    });
  }),
);

test(
  "inside a cancelled scope any AbortError counts as its cancellation",
  virtually(async () => {
    const aborts: (() => unknown)[] = [
      () => new DOMException("gone", "AbortError"),
      () => Object.assign(new Error("gone"), { name: "AbortError" }),
      () => AbortSignal.abort().reason as unknown,
      (): unknown => new Error("wrapped", { cause: new Cancelled({ kind: "requested" }) }),
      () => new Error("twice", { cause: new Error("wrapped", { cause: new Cancelled({ kind: "requested" }) }) }),
    ];
    for (const make of aborts) {
      const cut = cancelScope((scope) => {
        scope.cancel();
        throw make();
      });
      expect(await cut).toBeUndefined();
      const error = make();
      const notCut = cancelScope(() => {
        throw error;
      });
      expect(await thrownBy(notCut)).toBe(error);
    }
  }),
);

test(
  "an AbortError of another realm counts too, as Node's own do where a test runner puts the code into a context",
  virtually(async () => {
    const foreign = runInNewContext("Object.assign(new Error('gone'), { name: 'AbortError' })") as Error;
    expect(foreign).not.toBeInstanceOf(Error);

    expect(await cancelScope((scope) => (scope.cancel(), Promise.reject(foreign)))).toBeUndefined();
  }),
);

test(
  "inside a cancelled scope an ordinary error is one, also if what caused it was aborted elsewhere, or its causes form a ring",
  virtually(async () => {
    const ring = new Error("ring");
    ring.cause = new Error("of causes", { cause: ring });
    const ordinary: unknown[] = [
      new Error("no"),
      new Error("wrapped", { cause: new DOMException("gone", "AbortError") }),
      new DOMException("late", "TimeoutError"),
      ring,
      "AbortError",
      { name: "AbortError" },
      undefined,
    ];
    for (const error of ordinary) {
      const running = cancelScope((scope) => {
        scope.cancel();
        throw error;
      });
      expect(await thrownBy(running)).toBe(error);
    }
  }),
);

/** What needs cleaning up, is cancelled in the middle, and cannot clean up because it is. */
const cutWhileUsing = async (scope: Scope): Promise<void> => {
  await using stack = new AsyncDisposableStack();
  for (let n = 0; n < 3; n++) stack.defer(checkpoint);
  scope.cancel("enough");
  await sleep(1);
};

test(
  "a disposal that meets a checkpoint in a cancelled scope adds nothing to the cancellation",
  virtually(async () => {
    const states: string[] = [];
    expect(await cancelScope(cutWhileUsing)).toBeUndefined();
    expect(await taskGroup((group) => cutWhileUsing(group.scope))).toBeUndefined();
    await taskGroup(async (group) => {
      const task = group.spawn(cutWhileUsing);
      await thrownBy(task.join());
      states.push(task.state);
    });
    await cancelScope(async (outer) => {
      states.push(((await thrownBy(timeout(100, () => cutWhileUsing(outer)))) as Error).name);
    });

    expect(states).toEqual(["cancelled", "AbortError"]);
    expect(await thrownBy(timeout(5, () => cutByTime()))).toBeInstanceOf(TimeoutError);
  }),
);

const cutByTime = async (): Promise<void> => {
  await using stack = new AsyncDisposableStack();
  stack.defer(checkpoint);
  await sleep(Infinity);
};

test(
  "an ordinary error before or in such a disposal is thrown, with the cancellation beside it",
  virtually(async () => {
    const error = new Error("no");
    const failsBefore = cancelScope(async (scope) => {
      await using stack = new AsyncDisposableStack();
      stack.defer(checkpoint);
      scope.cancel();
      throw error;
    });
    const failsInShield = cancelScope(async (scope) => {
      await using stack = new AsyncDisposableStack();
      stack.defer(() => shield(() => sleep(1)).then(() => Promise.reject(error)));
      scope.cancel();
      await sleep(1);
    });

    expect(await thrownBy(failsBefore)).toMatchObject({ error: expect.any(Cancelled) as unknown, suppressed: error });
    expect(await thrownBy(failsInShield)).toMatchObject({ error, suppressed: expect.any(Cancelled) as unknown });
  }),
);

test(
  "Promise.any of waits that were all cancelled is cancelled too",
  virtually(async () => {
    const value = await moveOnAfter(5, () => Promise.any([sleep(10), sleep(20)]));

    expect(value).toBeUndefined();
  }),
);

test("platform calls that take a signal are cut by the scope's: fetch, once, timers", async () => {
  const server = createServer(() => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const calls: ((scope: Scope) => Promise<unknown>)[] = [
    ({ signal }) => fetch(`http://127.0.0.1:${port}`, { signal }),
    ({ signal }) => once(new EventEmitter(), "never", { signal }),
    ({ signal }) => platformSleep(60_000, undefined, { signal }),
  ];
  for (const call of calls) {
    const value = await cancelScope(async (scope) => {
      scope.deadline = performance.now() + 20;
      await call(scope);
      return "not here";
    });
    expect(value).toBeUndefined();
  }
  server.closeAllConnections();
  server.close();
});

test(
  "the signal is made when it is read, one for each scope, and already aborted in a cancelled one",
  virtually(async () => {
    await cancelScope(async (scope) => {
      expect(scope.signal).toBe(scope.signal);
      expect(scope.signal.aborted).toBe(false);
      scope.cancel("stop");
      expect(scope.signal.aborted).toBe(true);
      await taskGroup((_group, inner) => {
        expect(inner.signal.aborted).toBe(true);
        expect(inner.signal.reason).toBe(scope.signal.reason);
        expect(inner.signal).not.toBe(scope.signal);
      });
      await shield((inner) => expect(inner.signal.aborted).toBe(false));
    });
  }),
);

test(
  "when abort listeners run, every scope of the tree is cancelled already",
  virtually(async () => {
    const seen: (string | undefined)[] = [];
    await cancelScope((outer) =>
      taskGroup(async (group) => {
        const scopes: Scope[] = [];
        for (let n = 0; n < 3; n++) group.spawn((own) => (scopes.push(own), sleep(Infinity)));
        for (const scope of [outer, group.scope, ...scopes]) {
          scope.signal.addEventListener("abort", () => {
            seen.push(...[outer, group.scope, ...scopes].map((each) => each.cancelled?.kind));
          });
        }
        outer.cancel();
      }),
    );

    expect(seen).toEqual(Array(25).fill("requested"));
  }),
);

test(
  "an abort listener may cancel, spawn, put and release: nothing is lost, and all is waited for",
  virtually(async (root) => {
    const log: unknown[] = [];
    const semaphore = new Semaphore(1);
    const queue = new Queue<string>();
    await cancelScope((outer) =>
      taskGroup(async (group, scope) => {
        const permit = await semaphore.acquire();
        group.spawn(async () => {
          using received = await semaphore.acquire();
          log.push(received === undefined ? "lost" : "received the permit");
        });
        group.spawn(async () => log.push(`received ${await queue.get()}`));
        scope.signal.addEventListener("abort", () => {
          outer.cancel("again");
          scope.cancel("again");
          permit.release();
          queue.tryPut("an item");
          group.spawn(async (own) => (log.push(`spawned, ${own.cancelled?.kind}`), await checkpoint(), log.push("no")));
        });
        outer.cancel("first");
        expect(scope.cancelled).toEqual({ kind: "requested", why: "first" });
      }),
    );

    // Who waited is cancelled already, and is given nothing: permit and item stay for others.
    expect(log).toEqual(["spawned, requested"]);
    expect(queue.tryGet()).toBe("an item");
    expect(semaphore.statistics()).toEqual({ limit: 1, inUse: 0, waiting: 0 });
    expect(whatIsLeft(root)).toEqual([]);
  }),
);

test(
  "a listener on a signal that throws does not stop the cancellation",
  virtually(async () => {
    const uncaught: unknown[] = [];
    const usual = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => uncaught.push(error));
    const error = new Error("listener");
    await cancelScope(async (scope) => {
      scope.signal.addEventListener("abort", () => {
        throw error;
      });
      const waiting = thrownBy(sleep(Infinity));
      scope.cancel();
      expect(await waiting).toBeInstanceOf(Cancelled);
    });
    await loopTurns();
    process.removeAllListeners("uncaughtException");
    for (const listener of usual) process.on("uncaughtException", listener);

    expect(uncaught).toEqual([error]);
  }),
);

test(
  "a cancel from a microtask right after a checkpoint began reaches it",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope(async (scope) => {
      queueMicrotask(() => scope.cancel());
      await checkpoint();
      log.push("not here");
    });

    expect(log).toEqual([]);
  }),
);

test(
  "cancelling a scope from within itself takes effect at the next checkpoint, not before",
  virtually(async () => {
    const log: string[] = [];
    const value = await cancelScope(async (scope) => {
      scope.cancel();
      log.push("still here");
      await Promise.resolve();
      log.push("and here");
      return "value";
    });

    expect(log).toEqual(["still here", "and here"]);
    expect(value).toBe("value");
  }),
);

test(
  "cancelling a scope that has ended does nothing",
  virtually(async () => {
    let ended!: Scope;
    await cancelScope((scope) => void (ended = scope));
    ended.cancel();

    expect(ended.cancelled).toBeUndefined();
  }),
);

test(
  "a scope that has ended still tells why it was cancelled, by itself or from around",
  virtually(async () => {
    const scopes: Scope[] = [];
    await cancelScope(async (outer) => {
      scopes.push(outer);
      await timeout(100, async (inner) => {
        scopes.push(inner);
        await taskGroup((group) => {
          group.spawn((own) => (scopes.push(own, group.scope), sleep(Infinity)));
          outer.cancel("stop");
          inner.cancel("also");
        });
      });
    });

    const reason = { kind: "requested", why: "stop" };
    expect(scopes.map(({ cancelled }) => cancelled)).toEqual([reason, reason, reason, reason]);
  }),
);

test(
  "finally blocks run from the inside out, each with the cancellation in force",
  virtually(async () => {
    const log: string[] = [];
    const level = async (name: string, inside: () => Promise<void>): Promise<void> => {
      try {
        await inside();
      } finally {
        const thrown = await thrownBy(checkpoint());
        log.push(`${name} ${(thrown as Error).name}`);
      }
    };
    await cancelScope(async (outer) => {
      await level("a", () =>
        cancelScope(() => level("b", () => taskGroup(() => level("c", async () => (outer.cancel(), sleep(1)))))),
      );
    });

    expect(log).toEqual(["c AbortError", "b AbortError", "a AbortError"]);
  }),
);

test(
  "a function that floats out of its scope meets a ScopeClosedError at its next checkpoint, however often it tries",
  virtually(async () => {
    const { promise: held, resolve } = Promise.withResolvers<void>();
    const thrown: unknown[] = [];
    let floating: Promise<void> | undefined;
    await taskGroup(
      () => {
        floating = (async () => {
          await held;
          for (const wait of [() => sleep(1), checkpoint, () => taskGroup(() => 1), () => cancelScope(() => 1)]) {
            thrown.push(await thrownBy(wait()));
          }
        })();
      },
      { name: "careless" },
    );
    resolve();
    await floating;

    expect(thrown).toEqual(Array(4).fill(expect.any(ScopeClosedError)));
    expect((thrown[0] as ScopeClosedError).scope).toBe("careless");
    expect((thrown[0] as Error).message).toContain("careless has ended, but code started in it still runs");
  }),
);

test(
  "waits that are pending when their scope ends are ended, also those in scopes below",
  virtually(async () => {
    const semaphore = new Semaphore(0);
    const floating: Promise<unknown>[] = [];
    await cancelScope(() => {
      floating.push(thrownBy(semaphore.acquire()));
      floating.push(thrownBy(timeout(50, () => semaphore.acquire())));
      floating.push(thrownBy(shield(() => semaphore.acquire())));
    });
    const thrown = await Promise.all(floating);

    expect(thrown.map((error) => (error as ScopeClosedError).scope)).toEqual(["cancelScope", "timeout", "shield"]);
    expect(semaphore.statistics().waiting).toBe(0);
  }),
);

test(
  "what is told to stop because its scope ends may cancel, spawn and wait: the scope has ended, and what is around goes on",
  virtually(async () => {
    const log: unknown[] = [];
    await cancelScope(async (outer) => {
      const value = await taskGroup((group, scope) => {
        const suddenly = (): void => {
          scope.cancel();
          group.cancel();
          scope.deadline = -1;
          try {
            group.spawn(() => log.push("not here"));
          } catch (error) {
            log.push((error as Error).name);
          }
          log.push(scope.cancelled, scope.signal.aborted);
          outer.cancel("from within");
        };
        const floating = interruptible(
          (signal) =>
            new Promise<void>((resolve) => {
              signal.addEventListener("abort", suddenly);
              signal.addEventListener("abort", () => resolve());
            }),
        );
        floating.catch((error: unknown) => log.push((error as Error).name));
        return "value";
      });
      log.push(value, outer.cancelled);
      await checkpoint();
      log.push("not here");
    });

    expect(log).toEqual([
      "GroupClosedError",
      undefined,
      true,
      "ScopeClosedError",
      "value",
      { kind: "requested", why: "from within" },
    ]);
  }),
);

test(
  "a ScopeClosedError is no cancellation: where it is awaited it is an error",
  virtually(async () => {
    let floating: Promise<void> | undefined;
    await cancelScope(() => {
      floating = sleep(5);
      floating.catch(() => {});
    });

    expect(await thrownBy(cancelScope((scope) => (scope.cancel(), floating!)))).toBeInstanceOf(ScopeClosedError);
  }),
);

test(
  "the signal of a scope that has ended is aborted when it is first read then",
  virtually(async () => {
    let ended!: Scope;
    await cancelScope((scope) => void (ended = scope), { name: "gone" });

    expect(ended.signal.aborted).toBe(true);
    expect(ended.signal.reason).toMatchObject({ code: "SCOPE_CLOSED", scope: "gone" });
  }),
);

const ticks = async function* (): AsyncGenerator<number> {
  for (let n = 0; ; n++) {
    await sleep(10);
    yield n;
  }
};

test(
  "an async generator waits in the scope of whoever calls next",
  virtually(async () => {
    const log: unknown[] = [];
    const source = ticks();
    await cancelScope(async (scope) => {
      log.push((await source.next()).value);
      scope.cancel();
    });
    log.push((await source.next()).value);
    await cancelScope(async (scope) => {
      scope.cancel();
      log.push(await thrownBy(source.next()));
    });

    expect(log).toEqual([0, 1, expect.any(Cancelled)]);
  }),
);

test(
  "await a, then await b under cancellation: nothing is reported as unhandled",
  virtually(async () => {
    const unhandled: unknown[] = [];
    const usual = process.listeners("unhandledRejection");
    process.removeAllListeners("unhandledRejection");
    process.on("unhandledRejection", (error) => unhandled.push(error));
    await cancelScope(async (scope) => {
      const [a, b] = [sleep(10), sleep(20)];
      scope.cancel();
      await a;
      await b;
    });
    await loopTurns(2);
    process.removeAllListeners("unhandledRejection");
    for (const listener of usual) process.on("unhandledRejection", listener);

    // Others who listen hear of it. That it crashes nothing is tested where processes are.
    expect(unhandled.every((error) => error instanceof Cancelled)).toBe(true);
  }),
);

test(
  "a background task is not in the cancelled scope that started it",
  virtually(async () => {
    const log: string[] = [];
    await cancelScope((scope) => {
      scope.cancel();
      background(async () => (await sleep(5), log.push("background")));
    });
    await sleep(10);

    expect(log).toEqual(["background"]);
  }),
);

test(
  "a tree of many scopes is cancelled completely, whatever its shape",
  virtually(async (root) => {
    let cut = 0;
    const grow = async (depth: number): Promise<void> => {
      if (depth === 0) {
        await sleep(Infinity).catch((error: unknown) => {
          cut++;
          throw error;
        });
      }
      await taskGroup((group) => {
        for (let n = 0; n < 3; n++) group.spawn(() => timeout(1e6, () => grow(depth - 1)));
      });
    };
    await cancelScope(async (scope) => {
      scope.deadline = 10;
      await grow(6);
    });

    expect(cut).toBe(3 ** 6);
    expect(whatIsLeft(root)).toEqual([]);
  }),
);
