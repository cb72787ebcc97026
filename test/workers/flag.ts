/** A word that tests and tasks share, to wait for what a task does without knowing how long that takes. */
export interface Flag {
  readonly memory: SharedArrayBuffer;
  readonly value: number;
  /** Waits until it is no longer 0, or no longer `from`. */
  readonly changed: (from?: number) => Promise<void>;
}

export function flag(): Flag {
  const memory = new SharedArrayBuffer(4);
  const view = new Int32Array(memory);
  return {
    memory,
    get value() {
      return Atomics.load(view, 0);
    },
    async changed(from = 0) {
      // The promise alone would not keep the process alive.
      const alive = setInterval(() => {}, 1_000);
      await Atomics.waitAsync(view, 0, from).value;
      clearInterval(alive);
    },
  };
}
