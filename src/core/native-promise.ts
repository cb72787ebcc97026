// oxlint-disable-next-line typescript/unbound-method -- only compared
const nativeThen = Promise.prototype.then;

/**
 * The promise itself, or a native one in its place if anything about it is hand-made: then it may call its handlers in any
 * frame, at once, twice or never, and throw. A native promise settles once, later, in the frame in which it was asked.
 */
export function nativePromise<T>(promise: PromiseLike<T>): Promise<T> {
  return promise instanceof Promise && promise.then === nativeThen
    ? promise
    : new Promise((resolve) => resolve(promise));
}
