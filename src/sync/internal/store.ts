/** What holds the items of a queue, and says which of them comes next. */
export interface Store<T> {
  readonly size: number;
  /** Adds an item. If it throws, nothing was added. */
  push(item: T): void;
  /** Takes the next item. Only called while there is one. If it throws, nothing was taken. */
  shift(): T;
  /** Takes everything, in the order in which `shift` would have. If it throws, nothing was taken. */
  takeAll(): T[];
}
