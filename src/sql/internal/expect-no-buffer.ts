/**
 * Of bytes in something else than a Uint8Array, JSON would have nothing in it, or numbers by their places.
 *
 * @throws {TypeError} it is one
 */
export function expectNoBuffer(value: object): void {
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer || value instanceof SharedArrayBuffer)
    throw new TypeError(`Expected bytes to be a Uint8Array, got a ${value.constructor.name}`);
}
