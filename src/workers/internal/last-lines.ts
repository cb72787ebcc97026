const maxBytes = 4_096;
const maxLines = 20;

/** The end of what a thread writes to its standard error. */
export class LastLines {
  #text = "";

  add(chunk: Buffer): void {
    this.#text = (this.#text + chunk.toString()).slice(-maxBytes);
  }

  toString(): string {
    return this.#text.trimEnd().split("\n").slice(-maxLines).join("\n");
  }
}
