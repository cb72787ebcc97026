import type { ByteInput, Compression } from "./byte-input.ts";
import type { Job } from "../engine/job.ts";
import type { BadLine } from "./line-splitter.ts";
import type { RequestInput } from "./request-input.ts";
import { type InputFormat, InputProblem } from "./request-parser.ts";
import { RequestReader, type RequestReaderOptions } from "./request-reader.ts";

export interface RequestStreamOptions extends Omit<RequestReaderOptions, "name" | "formatByName" | "linesBefore"> {
  /** Read one after the other, each as its own list. */
  readonly inputs: readonly RequestInput[];
}

/** An input cannot be read further. */
export class InputError extends Error {
  override readonly name = "InputError" as const;
  /** Which. */
  readonly input: string;

  constructor(input: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.input = input;
  }
}

function formatByNameOf({ path = "" }: RequestInput): "csv" | "tsv" | undefined {
  return /\.(csv|tsv)(?:\.\w+)?$/i.exec(path)?.[1]?.toLowerCase() as "csv" | "tsv" | undefined;
}

/** An input that is open. */
interface OpenInput {
  readonly input: RequestInput;
  readonly bytes: ByteInput;
  readonly reader: RequestReader;
  /** Bytes that were given to the reader. */
  givenBytes: number;
  /** The reader was told that there are no more. It may still have the last line. */
  isEnding: boolean;
}

/**
 * Requests from the lines of inputs, on demand, as though these were one: only one is open at a time.
 *
 * Take with `next()` until there is nothing, then wait for `read()`, and so on until that says false.
 */
export class RequestStream {
  readonly #options: RequestStreamOptions;
  #open: OpenInput | undefined;
  #opened = 0;
  /** Lines, and stored bytes, of the inputs that were read to their ends. */
  #linesBefore = 0;
  #bytesBefore = 0;
  #isClosed = false;

  constructor(options: RequestStreamOptions) {
    this.#options = options;
  }

  /** What the request comes from that `next()` gave last. */
  get current():
    | { input: RequestInput; format: InputFormat | undefined; compression: Compression | undefined }
    | undefined {
    if (this.#open === undefined) return undefined;
    const { input, reader, bytes } = this.#open;
    return { input, format: reader.format, compression: bytes.compression };
  }

  /** How much of all inputs has become requests, from 0 to 1; undefined where the size of one is not known. */
  get share(): number | undefined {
    let size = 0;
    for (const input of this.#options.inputs) {
      if (input.size === undefined) return undefined;
      size += input.size;
    }
    return size === 0 ? undefined : Math.min(1, (this.#bytesBefore + this.#bytesOfCurrent()) / size);
  }

  /**
   * The next request, or a line that is none, or undefined if more must be read.
   *
   * @throws {InputError} nothing can be made of the input
   */
  next(): Job | BadLine | undefined {
    const open = this.#open;
    if (open === undefined) return undefined;
    try {
      return open.reader.next();
    } catch (error) {
      throw error instanceof InputProblem ? new InputError(open.input.name, error) : error;
    }
  }

  /**
   * Reads more. Only when `next()` has returned undefined.
   *
   * @returns whether there may be more
   * @throws {InputError}
   */
  async read(): Promise<boolean> {
    try {
      return await this.#read();
    } catch (error) {
      // What was being read when it was closed fails, as it should.
      if (this.#isClosed) return false;
      throw error;
    }
  }

  async #read(): Promise<boolean> {
    const open = this.#open;
    if (open === undefined) return this.#openNext();
    const chunk = await this.#attempt(open.input, () => open.bytes.read());
    if (this.#isClosed) return false;
    if (chunk !== undefined) {
      open.givenBytes += chunk.length;
      open.reader.feed(chunk);
      return true;
    }
    if (!open.isEnding) {
      open.isEnding = true;
      open.reader.end();
      return true;
    }
    this.#linesBefore = open.reader.lines;
    this.#bytesBefore += open.input.size ?? 0;
    this.#open = undefined;
    await open.bytes.close();
    return this.#openNext();
  }

  /** Reads no more. Does not wait for a read that is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const open = this.#open;
    this.#open = undefined;
    await open?.bytes.close();
  }

  async #openNext(): Promise<boolean> {
    const { inputs } = this.#options;
    const input = inputs[this.#opened++];
    if (input === undefined || this.#isClosed) return false;
    const bytes = await this.#attempt(input, () => input.open());
    if (this.#isClosed) {
      await bytes.close();
      return false;
    }
    const name = inputs.length > 1 ? input.name : undefined;
    const formatByName = formatByNameOf(input);
    const reader = new RequestReader({ ...this.#options, name, formatByName, linesBefore: this.#linesBefore });
    this.#open = { input, bytes, reader, givenBytes: 0, isEnding: false };
    return true;
  }

  async #attempt<T>(input: RequestInput, doing: () => Promise<T>): Promise<T> {
    try {
      return await doing();
    } catch (error) {
      throw new InputError(input.name, error);
    }
  }

  #bytesOfCurrent(): number {
    if (this.#open === undefined || this.#open.givenBytes === 0) return 0;
    const { reader, bytes, givenBytes } = this.#open;
    return reader.bytes * (bytes.storedBytes / givenBytes);
  }
}
