/**
 * What `load` gives, without the warning that Node prints when a module is loaded that it holds to be experimental: that is
 * for programmers, and what is printed may be read by users of a command.
 */
export function withoutWarnings<T>(load: () => T): T {
  const usual = Object.getOwnPropertyDescriptor(process, "emitWarning")!;
  Object.defineProperty(process, "emitWarning", { ...usual, value: () => {} });
  try {
    return load();
  } finally {
    Object.defineProperty(process, "emitWarning", usual);
  }
}
