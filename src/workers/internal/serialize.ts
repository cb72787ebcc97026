import { types } from "node:util";
import { DefaultDeserializer, DefaultSerializer } from "node:v8";

/** How bytes are written that are no plain values; Node has it, and its types have not. */
type Writing = DefaultSerializer & Record<"_writeHostObject" | "_getSharedArrayBufferId", (value: object) => unknown>;

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
  const deserializer = new DefaultDeserializer(bytes);
  deserializer.readHeader();
  return deserializer.readValue();
}

function expectBytes(value: object): object {
  if (ArrayBuffer.isView(value) && !types.isSharedArrayBuffer(value.buffer)) return value;
  if (ArrayBuffer.isView(value) || types.isSharedArrayBuffer(value)) {
    throw new TypeError("processes share no memory: send a copy, or use threads");
  }
  throw new TypeError(`a ${value.constructor.name} cannot be copied`);
}
