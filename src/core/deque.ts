/** An empty deque keeps room for so many values. */
const roomToKeep = 1_024;

/** A queue of values: push and shift are O(1), and what was taken is let go of at once. */
export class Deque<T> {
  #slots: (T | undefined)[] = Array.from({ length: 16 });
  #first = 0;
  size = 0;

  push(value: T): void {
    if (this.size === this.#slots.length) this.#grow();
    this.#slots[(this.#first + this.size) & (this.#slots.length - 1)] = value;
    this.size++;
  }

  get first(): T | undefined {
    return this.#slots[this.#first];
  }

  /** Takes the oldest value. Check `size` first. */
  shift(): T {
    const value = this.#slots[this.#first] as T;
    this.#slots[this.#first] = undefined;
    this.#first = (this.#first + 1) & (this.#slots.length - 1);
    this.size--;
    // The room that a rush took is not kept for good.
    if (this.size === 0 && this.#slots.length > roomToKeep) {
      this.#slots = Array.from({ length: 16 });
      this.#first = 0;
    }
    return value;
  }

  /** Takes all values, oldest first. */
  takeAll(): T[] {
    return Array.from({ length: this.size }, () => this.shift());
  }

  /** Doubles the room: the length stays a power of two, which the masks above need. */
  #grow(): void {
    const { length } = this.#slots;
    const slots = Array.from<T | undefined>({ length: length * 2 });
    for (let index = 0; index < this.size; index++) slots[index] = this.#slots[(this.#first + index) & (length - 1)];
    this.#slots = slots;
    this.#first = 0;
  }
}
