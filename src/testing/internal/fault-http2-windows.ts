/** How much the client lets the server send: on the connection, and on each stream. RFC 9113, section 5.2. */
export class Http2Windows {
  #initialBytes = 65_535;
  #connectionBytes = 65_535;
  readonly #streams = new Map<number, number>();
  #changed = Promise.withResolvers<void>();

  open(stream: number): void {
    this.#streams.set(stream, this.#initialBytes);
  }

  /** Nothing more will be sent on it, and who waits to do so waits no more. */
  close(stream: number): void {
    this.#streams.delete(stream);
    this.#tell();
  }

  /** The client lets so much more be sent, on a stream or, as stream 0, on the connection. */
  widen(stream: number, bytes: number): void {
    if (stream === 0) this.#connectionBytes += bytes;
    else this.#add(stream, bytes);
    this.#tell();
  }

  /** The client has said with which window streams begin. It counts for those that are open, too. */
  begin(initialBytes: number): void {
    const more = initialBytes - this.#initialBytes;
    this.#initialBytes = initialBytes;
    for (const stream of this.#streams.keys()) this.#add(stream, more);
    this.#tell();
  }

  /** Waits until something can be sent, and takes it from the windows. @returns how much, up to `bytes`; 0 if closed */
  async take(stream: number, bytes: number): Promise<number> {
    for (;;) {
      const own = this.#streams.get(stream);
      if (own === undefined) return 0;
      const taken = Math.min(own, this.#connectionBytes, bytes);
      if (taken > 0) {
        this.#connectionBytes -= taken;
        this.#add(stream, -taken);
        return taken;
      }
      await this.#changed.promise;
    }
  }

  #add(stream: number, bytes: number): void {
    const before = this.#streams.get(stream);
    if (before !== undefined) this.#streams.set(stream, before + bytes);
  }

  #tell(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}
