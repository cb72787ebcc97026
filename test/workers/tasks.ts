/** Functions that the tests of threads run there. */
import { execSync } from "node:child_process";
import { pbkdf2Sync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { type MessagePort, parentPort } from "node:worker_threads";
import { ContextVar, TimeoutError, checkpoint, sleep } from "taskwright";
import { cpu, defineTask, reportProgress, throwIfCancelled, transfer } from "taskwright/workers";

export const add: (a: number, b: number) => number = defineTask(function add(a: number, b: number): number {
  return a + b;
});

export const echo: <T>(value: T) => T = defineTask(function echo<T>(value: T): T {
  return value;
});

/** Holds its thread until the gate is opened; quick where there is none. */
export const passGate: (gate?: SharedArrayBuffer) => void = defineTask(function passGate(
  gate?: SharedArrayBuffer,
): void {
  if (gate !== undefined) Atomics.wait(new Int32Array(gate), 0, 0);
});

/** Computes for so long, and cannot be asked to stop. */
export const spin: (ms: number) => number = defineTask(function spin(ms: number): number {
  const endMs = performance.now() + ms;
  while (performance.now() < endMs);
  return ms;
});

export const spinForever: (begun?: SharedArrayBuffer) => void = defineTask(function spinForever(
  begun?: SharedArrayBuffer,
): void {
  tell(begun);
  for (;;);
});

/** Computes without end, and looks whether it is to stop. */
export const spinPolitely: (begun?: SharedArrayBuffer) => never = defineTask(function spinPolitely(
  begun?: SharedArrayBuffer,
): never {
  tell(begun);
  for (;;) throwIfCancelled();
});

/** Says in shared memory that it has begun, waits, and says why it was cancelled. */
export const waitForever: (begun: SharedArrayBuffer) => Promise<void> = defineTask(async function waitForever(
  begun: SharedArrayBuffer,
): Promise<void> {
  tell(begun);
  try {
    await sleep(Infinity);
  } finally {
    tell(begun, 2);
  }
});

/** Goes on for a moment when it is cancelled, and returns a value all the same. */
export const finishFirst: (begun: SharedArrayBuffer) => Promise<string> = defineTask(async function finishFirst(
  begun: SharedArrayBuffer,
): Promise<string> {
  tell(begun);
  try {
    await sleep(Infinity);
  } catch {
    return "finished";
  }
  return "not cancelled";
});

export const failOnCancel: (begun: SharedArrayBuffer) => Promise<void> = defineTask(async function failOnCancel(
  begun: SharedArrayBuffer,
): Promise<void> {
  tell(begun);
  await sleep(Infinity).catch(() => {
    throw new RangeError("while cleaning up");
  });
});

/** In native code until there is such a file. */
export const native: (begun: SharedArrayBuffer, path: string) => void = defineTask(function native(
  begun: SharedArrayBuffer,
  path: string,
): void {
  tell(begun);
  execSync(`until [ -e "${path}" ]; do sleep 0.02; done`);
});

export const hash: (rounds: number) => string = defineTask(function hash(rounds: number): string {
  return pbkdf2Sync("secret", "salt", rounds, 32, "sha256").toString("hex");
});

export const exit: (code: number, said?: string) => never = defineTask(function exit(
  code: number,
  said?: string,
): never {
  if (said !== undefined) process.stderr.write(said);
  process.exit(code);
});

/** Leaves what it has written to standard error time to go over. */
export const complainAndExit: (said: string) => Promise<never> = defineTask(async function complainAndExit(
  said: string,
): Promise<never> {
  process.stderr.write(said);
  await sleep(100);
  process.exit(3);
});

export const failLater: () => Promise<void> = defineTask(async function failLater(): Promise<void> {
  setImmediate(() => {
    throw new RangeError("nobody caught this");
  });
  await sleep(Infinity);
});

export const forgetRejection: () => Promise<void> = defineTask(async function forgetRejection(): Promise<void> {
  void Promise.reject(new RangeError("nobody awaited this"));
  await sleep(Infinity);
});

export const eatMemory: () => never = defineTask(function eatMemory(): never {
  const eaten: number[][] = [];
  for (;;) eaten.push(Array.from({ length: 10_000 }, (_, i) => i));
});

export const square: (n: number) => Promise<number> = cpu(function square(n: number): number {
  return n * n;
});

/** Calls another one, which is in a thread already. */
export const sumOfSquares: (n: number) => Promise<number> = cpu(async function sumOfSquares(
  n: number,
): Promise<number> {
  let sum = 0;
  for (let i = 1; i <= n; i++) sum += await square(i);
  return sum;
});

class OddError extends RangeError {
  override readonly name = "OddError";
  readonly code = "ODD";
  readonly at: Date = new Date(0);
  readonly callback = (): void => {};
  readonly inner: object = { deep: [1, 2] };
}

export const failOddly: () => never = defineTask(function failOddly(): never {
  throw new OddError("it is odd", { cause: new TypeError("a cause", { cause: "the end" }) });
});

export const failTogether: () => Promise<never> = defineTask(async function failTogether(): Promise<never> {
  await checkpoint();
  throw new AggregateError([new TypeError("one"), "two"], "both");
});

export const failOnTime: () => never = defineTask(function failOnTime(): never {
  throw new TimeoutError("something inside", 5);
});

export const failWithMemory: () => never = defineTask(function failWithMemory(): never {
  throw Object.assign(new RangeError("it has memory"), { code: "ODD", memory: new SharedArrayBuffer(8) });
});

export const throwText: () => never = defineTask(function throwText(): never {
  throw "only text";
});

export const giveFunction: () => object = defineTask(function giveFunction(): object {
  return { fn: () => 1 };
});

let overlapping = 0;
let most = 0;

/** How many calls of this there were at once in its thread. */
export const overlap: () => Promise<number> = defineTask(async function overlap(): Promise<number> {
  most = Math.max(most, ++overlapping);
  await sleep(1);
  overlapping--;
  return most;
});

export const fillBytes: (bytes: Uint8Array, value: number) => Uint8Array = defineTask(function fillBytes(
  bytes: Uint8Array,
  value: number,
): Uint8Array {
  return transfer(bytes.fill(value));
});

export const both: (first: Uint8Array, second: Uint8Array) => Uint8Array[] = defineTask(function both(
  first: Uint8Array,
  second: Uint8Array,
): Uint8Array[] {
  return [first, second];
});

/** A port can only be moved, so results that arrive were. */
export const openPort: (n: number) => MessagePort = defineTask(function openPort(): MessagePort {
  return transfer(new MessageChannel().port1);
});

export const givePooled: (text: string) => Uint8Array = defineTask(function givePooled(said: string): Uint8Array {
  return transfer(Buffer.from(said));
});

export const giveBuffer: (text: string) => Uint8Array = defineTask(function giveBuffer(said: string): Uint8Array {
  return Buffer.from(said);
});

export const yieldBuffer: (text: string) => Generator<Uint8Array> = defineTask(function* yieldBuffer(
  said: string,
): Generator<Uint8Array> {
  yield Buffer.from(said);
});

/** How many bytes came with these. */
export const memoryOf: (bytes: Uint8Array) => number = defineTask(function memoryOf(bytes: Uint8Array): number {
  return bytes.buffer.byteLength;
});

let setUp = "not at all";

export async function init(): Promise<void> {
  await sleep(1);
  setUp = "by init";
}

export function failToInit(): never {
  throw new RangeError("cannot set up");
}

export async function hangInInit(): Promise<void> {
  return new Promise(() => {});
}

/** Waits for something that comes from outside, and never does. */
export async function waitInInit(): Promise<void> {
  return new Promise(() => void setInterval(() => {}, 1_000));
}

export function blockInInit(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

export const howSetUp: () => string = defineTask(function howSetUp(): string {
  return setUp;
});

export const count: (to: number, produced?: SharedArrayBuffer) => Generator<number> = defineTask(function* count(
  to: number,
  produced?: SharedArrayBuffer,
): Generator<number> {
  const view = produced === undefined ? undefined : new Int32Array(produced);
  for (let i = 0; i < to; i++) {
    if (view !== undefined) Atomics.store(view, 0, i + 1);
    yield i;
  }
});

export const countThenFail: (to: number) => AsyncGenerator<number> = defineTask(async function* countThenFail(
  to: number,
): AsyncGenerator<number> {
  for (let i = 0; i < to; i++) yield i;
  await checkpoint();
  throw new RangeError("no more");
});

export const closingStream: (state: SharedArrayBuffer) => AsyncGenerator<number> = defineTask(
  async function* closingStream(state: SharedArrayBuffer): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i++) yield i;
    } finally {
      tell(state, 2);
    }
  },
);

/** Fails as it is closed. */
export const failToClose: () => Generator<number> = defineTask(function* failToClose(): Generator<number> {
  try {
    for (let i = 0; ; i++) yield i;
  } finally {
    // oxlint-disable-next-line no-unsafe-finally
    throw new RangeError("cannot close");
  }
});

export const countThenExit: (to: number) => Generator<number> = defineTask(function* countThenExit(
  to: number,
): Generator<number> {
  for (let i = 0; i < to; i++) yield i;
  process.exit(5);
});

export const squareRoot: (n: number) => number = defineTask(function squareRoot(n: number): number {
  if (n < 0) throw new RangeError(`no root of ${n}`);
  return Math.sqrt(n);
});

/** Even numbers at once, odd ones later; no negative ones. */
export const nowOrLater: (n: number) => number | Promise<number> = defineTask(function nowOrLater(
  n: number,
): number | Promise<number> {
  if (n < 0) throw new RangeError(`${n} is negative`);
  return n % 2 === 0 ? n : checkpoint().then(() => n);
});

/** Computes a little, and does not look whether it is to stop. */
export const countUp: (counter: SharedArrayBuffer) => void = defineTask(function countUp(
  counter: SharedArrayBuffer,
): void {
  const endMs = performance.now() + 0.05;
  while (performance.now() < endMs);
  const view = new Int32Array(counter);
  Atomics.add(view, 0, 1);
  Atomics.notify(view, 0);
});

/** In a function, where a thread cannot find it. */
export function defineTooLate(): () => number {
  return defineTask(function tooLate() {
    return 1;
  });
}

export const first: () => number = defineTask(named("same", () => 1));
export const second: () => number = defineTask(named("same", () => 2));

function named<F extends () => number>(name: string, fn: F): F {
  return Object.defineProperty(fn, "name", { value: name });
}

function tell(state: SharedArrayBuffer | undefined, value = 1): void {
  if (state === undefined) return;
  const view = new Int32Array(state);
  Atomics.store(view, 0, value);
  Atomics.notify(view, 0);
}

export const tenant: ContextVar<string> = new ContextVar<string>("tenant");
export const limits: ContextVar<object> = new ContextVar<object>("limits");

/** What context variables there are in the worker, before and after it has waited. */
export const seeVariables: () => Promise<unknown[]> = defineTask(async function seeVariables(): Promise<unknown[]> {
  const before = [tenant.get(), limits.get()];
  await checkpoint();
  return [...before, tenant.get(), limits.get()];
});

/** Says how far it is many times over, without waiting. */
export const reportOften: (to: number) => string = defineTask(function reportOften(to: number): string {
  for (let i = 1; i <= to; i++) reportProgress(i);
  return "done";
});

/** Says that it has begun, and waits until it is cancelled. */
export const reportAndWait: () => Promise<void> = defineTask(async function reportAndWait(): Promise<void> {
  reportProgress("begun");
  await sleep(Infinity);
});

export const reportFunction: () => void = defineTask(function reportFunction(): void {
  reportProgress(() => 1);
});

/** Leaves something behind that holds the loop of its worker until the state is another, and says when it does. */
export const leaveBehind: (state: SharedArrayBuffer) => void = defineTask(function leaveBehind(
  state: SharedArrayBuffer,
): void {
  setImmediate(() => {
    tell(state);
    Atomics.wait(new Int32Array(state), 0, 1);
  });
});

/** Says that it has begun, and computes without end. */
export const reportAndSpin: () => never = defineTask(function reportAndSpin(): never {
  reportProgress(process.pid);
  for (;;);
});

/** The same, and looks whether it is to stop. */
export const reportAndSpinPolitely: () => never = defineTask(function reportAndSpinPolitely(): never {
  reportProgress(process.pid);
  for (;;) throwIfCancelled();
});

/** Says that it has begun, and waits for what never comes, without asking whether it is to stop. */
export const neverAnswer: () => Promise<never> = defineTask(async function neverAnswer(): Promise<never> {
  reportProgress(process.pid);
  return new Promise<never>(() => {});
});

/** Says that it has begun, and is in native code and in another program until there is such a file. */
export const reportAndBlock: (path: string) => void = defineTask(function reportAndBlock(path: string): void {
  reportProgress(process.pid);
  execSync(`until [ -e "${path}" ]; do sleep 0.02; done`);
});

/** Stops the whole process, as Ctrl-Z does. */
export const stopProcess: () => Promise<never> = defineTask(async function stopProcess(): Promise<never> {
  reportProgress(process.pid);
  process.kill(process.pid, "SIGSTOP");
  return new Promise<never>(() => {});
});

/** Does not listen to SIGTERM. */
export const ignoreSigterm: () => Promise<never> = defineTask(async function ignoreSigterm(): Promise<never> {
  process.on("SIGTERM", () => {});
  reportProgress(process.pid);
  return new Promise<never>(() => {});
});

/** Waits until it is cancelled, and then writes a file before it ends. */
export const writeOnCancel: (path: string) => Promise<void> = defineTask(async function writeOnCancel(
  path: string,
): Promise<void> {
  reportProgress(process.pid);
  try {
    await sleep(Infinity);
  } finally {
    writeFileSync(path, "cleaned up");
  }
});

export const abort: () => never = defineTask(function abort(): never {
  process.abort();
});

export const crashBySignal: (signal: NodeJS.Signals) => Promise<never> = defineTask(async function crashBySignal(
  signal: NodeJS.Signals,
): Promise<never> {
  process.kill(process.pid, signal);
  return new Promise<never>(() => {});
});

export const yieldFunction: () => Generator = defineTask(function* yieldFunction(): Generator {
  yield 1;
  yield () => 2;
});

/** Closes the channel of its worker, and says that it is done. */
export const closeChannel: () => Promise<string> = defineTask(async function closeChannel(): Promise<string> {
  if (parentPort === null) process.disconnect();
  else parentPort.close();
  await sleep(Infinity);
  return "closed";
});

/** Sends messages over the channel of its worker, as code does that believes to be forked by its own program. */
export const speak: (messages: unknown[]) => Promise<string> = defineTask(async function speak(
  messages: unknown[],
): Promise<string> {
  for (const message of messages) {
    if (parentPort === null) process.send!(message);
    else parentPort.postMessage(message);
  }
  // So that they are there before the end.
  await sleep(20);
  return "spoken";
});

export const processId: () => number = defineTask(function processId(): number {
  return process.pid;
});

export const environment: (names: string[]) => (string | undefined)[] = defineTask(function environment(
  names: string[],
): (string | undefined)[] {
  return names.map((name) => process.env[name]);
});

export const yieldTenant: (times: number) => AsyncGenerator<string | undefined> = defineTask(
  async function* yieldTenant(times: number): AsyncGenerator<string | undefined> {
    for (let i = 0; i < times; i++) {
      await checkpoint();
      yield tenant.get();
    }
  },
);

export const tenantOf: (item: number) => string = defineTask(function tenantOf(item: number): string {
  return `${tenant.get()} of ${item}`;
});

/** Says how far it is, with waits between. */
export const reportSlowly: (to: number, waitMs: number) => Promise<void> = defineTask(async function reportSlowly(
  to: number,
  waitMs: number,
): Promise<void> {
  for (let i = 1; i <= to; i++) {
    reportProgress({ done: i, of: to });
    await sleep(waitMs);
  }
});

/** Says two things at once, and then waits for long: the second must not wait for its end. */
export const reportTwice: () => Promise<void> = defineTask(async function reportTwice(): Promise<void> {
  reportProgress("one");
  reportProgress("two");
  await sleep(Infinity);
});

/** Reports after it has returned, and then says so. */
export const reportTooLate: (state: SharedArrayBuffer) => void = defineTask(function reportTooLate(
  state: SharedArrayBuffer,
): void {
  void Promise.resolve(Atomics.waitAsync(new Int32Array(state), 0, 0).value).then(() => {
    reportProgress("too late");
    tell(state, 2);
  });
});

export const reportAndFail: () => void = defineTask(function reportAndFail(): void {
  reportProgress("so far");
  reportProgress("this far");
  throw new RangeError("no further");
});

export const reportItem: (item: number) => number = defineTask(function reportItem(item: number): number {
  reportProgress(item);
  return item;
});

export const reportAndYield: (to: number) => Generator<number> = defineTask(function* reportAndYield(
  to: number,
): Generator<number> {
  for (let i = 1; i <= to; i++) {
    reportProgress(i);
    yield i;
  }
});

/** A function of `cpu` that reports, for those that call it within a task. */
export const reportSquare: (n: number) => Promise<number> = cpu(function reportSquare(n: number): number {
  reportProgress(n);
  return n * n;
});
