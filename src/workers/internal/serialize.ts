import { types } from "node:util";
import { DefaultDeserializer, DefaultSerializer } from "node:v8";
import type { WorkerLink } from "./link.ts";

/** How bytes are written that are no plain values; Node has it, and its types have not. */
type Writing = DefaultSerializer & Record<"_writeHostObject" | "_getSharedArrayBufferId", (value: object) => unknown>;

type Reading = DefaultDeserializer & Record<"_readHostObject", () => NodeJS.ArrayBufferView>;

/** A value as bytes, for another process. Node's own messages have empty objects for what cannot be copied: here that throws. */
export function serialize(value: unknown): Buffer {
  const serializer = new DefaultSerializer() as Writing;
  const write = serializer["_writeHostObject"].bind(serializer);
  serializer["_writeHostObject"] = (object) => write(expectBytes(object));
  serializer["_getSharedArrayBufferId"] = expectBytes;
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}

export function deserialize(bytes: Uint8Array): unknown {
  const deserializer = new DefaultDeserializer(bytes) as Reading;
  const read = deserializer["_readHostObject"].bind(deserializer);
  deserializer["_readHostObject"] = () => withOwnMemory(read());
  deserializer.readHeader();
  return deserializer.readValue();
}

/** Node makes views of the whole message: whoever asked for the `buffer` of one would get all that was sent. */
function withOwnMemory(view: NodeJS.ArrayBufferView): NodeJS.ArrayBufferView {
  // Buffers have another `slice`, which copies nothing.
  if (!types.isDataView(view)) return Uint8Array.prototype.slice.call(view);
  const { byteOffset, byteLength } = view;
  return new DataView(view.buffer.slice(byteOffset, byteOffset + byteLength));
}

/** A copy of an object as it goes over. Throws if it cannot. */
export const copyOf: Record<WorkerLink["kind"], (value: object) => unknown> = {
  thread: structuredClone,
  process: (value) => deserialize(serialize(value)),
};

function expectBytes(value: object): object {
  if (ArrayBuffer.isView(value) && !types.isSharedArrayBuffer(value.buffer)) return value;
  if (ArrayBuffer.isView(value) || types.isSharedArrayBuffer(value)) {
    throw new TypeError("processes share no memory: send a copy, or use threads");
  }
  throw new TypeError(`a ${value.constructor.name} cannot be copied`);
}
