import { isMarkedAsUntransferable } from "node:worker_threads";

/** Whether it is a small Buffer: those lie in memory that Node shares out to many. */
export function isPooled(value: unknown): value is NodeJS.ArrayBufferView {
  return ArrayBuffer.isView(value) && isMarkedAsUntransferable(value.buffer);
}

/** A value to be sent to a thread. With a small Buffer all would be copied that lies in its memory, and kept as long as it. */
export function unpooled(value: unknown): unknown {
  return isPooled(value) ? Uint8Array.prototype.slice.call(value) : value;
}
