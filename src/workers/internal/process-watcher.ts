/** A thread beside the tasks of a process: it goes on while one of them holds the loop. */
import { Socket } from "node:net";
import { workerData } from "node:worker_threads";
import { killGroup } from "./kill-group.ts";
import { Slots } from "./slots.ts";

/** The other end is with the pool, and closed when that process ends, whatever ends it. */
const pipe = 4;
/** When that has happened, the process has so long to end by itself, in milliseconds. */
const endMs = 200;

/** Milliseconds for which a cancellation may wait for its call. */
const maxTries = 1_000;

const slots = new Slots(workerData as SharedArrayBuffer);
const never = new Int32Array(new SharedArrayBuffer(4));

/** Nothing else is done here. */
function pause(ms: number): void {
  Atomics.wait(never, 0, 0, ms);
}

function cancel(call: number): void {
  // The number has the lower 32 bits of what it was. The call itself may be on its way yet.
  const isToCome = (): boolean => ((slots.processed - call) | 0) <= 0;
  for (let tries = 0; tries < maxTries && isToCome() && !slots.cancel(call); tries++) pause(1);
}

let unread = Buffer.alloc(0);
const socket = new Socket({ fd: pipe, readable: true, writable: false });
socket.on("data", (chunk: Buffer) => {
  unread = Buffer.concat([unread, chunk]);
  for (; unread.length >= 4; unread = unread.subarray(4)) cancel(unread.readUInt32LE());
});
socket.on("error", () => {});
socket.on("close", () => {
  pause(endMs);
  killGroup(process.pid, "SIGKILL");
});
