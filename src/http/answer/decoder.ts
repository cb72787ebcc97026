import { BodyTooLargeError, ContentEncodingError, type RequestName } from "../errors.ts";
import { type Coding, decompress, mostCodings } from "./content-codings.ts";
import { DecodingStage, type StageOwner, isPadding, trailing } from "./decoding-stage.ts";

/**
 * Compressed bodies up to this are decompressed where they came, in one go, unless they become large: handing them to a
 * thread takes three times as long for 1 KB, and as long only from 200 KB on.
 */
const atOnceBytes = 32 * 1024;
/** What may become of them: about a millisecond's work. */
const atOnceResultBytes = 256 * 1024;

/** Whose body is decompressed. */
export interface DecoderOwner extends RequestName {
  /** More of the body. */
  decoded(chunk: Buffer): void;
  /** All of the body has been decompressed. */
  decodedAll(): void;
  /** Nothing more comes. */
  decodingFailed(error: Error): void;
  /** Much is waiting to be decompressed: the server is to wait. */
  pauseWire(): void;
  resumeWire(): void;
}

/** The limits of a {@link Decoder}. */
export interface DecoderLimits {
  /** The longest body to make. */
  readonly maxBytes: number;
  /** Whether the body is best decompressed in one go if it is short, rather than as it comes. */
  readonly isAtOnce: boolean;
}

/**
 * Decompresses one body, between the connection that brings it and its reader.
 *
 *     held ── all has come, and it is short ──> over
 *       └── it is long, or takes its time ──> in stages, one for each coding ──> over
 *
 * Held back is only what comes in one turn of the loop, unless the whole of it is known to be short.
 */
export class Decoder {
  readonly #codings: readonly Coding[];
  readonly #owner: DecoderOwner;
  readonly #limits: DecoderLimits;
  #held: Buffer[] = [];
  #heldBytes = 0;
  #stages: DecodingStage[] | undefined = undefined;
  #decodedBytes = 0;
  #isOver = false;

  /** @param codings - in the order in which they are undone, one at least */
  constructor(codings: readonly Coding[], owner: DecoderOwner, limits: DecoderLimits) {
    this.#codings = codings;
    this.#owner = owner;
    this.#limits = limits;
  }

  push(chunk: Buffer): void {
    if (this.#isOver) return;
    if (this.#stages !== undefined) return this.#stages[0]!.push(chunk);
    this.#held.push(chunk);
    this.#heldBytes += chunk.length;
    if (this.#heldBytes > atOnceBytes) this.#decodeInStages();
    else if (this.#held.length === 1 && !this.#limits.isAtOnce) queueMicrotask(() => this.#decodeInStages());
  }

  /** All of the body has come. */
  end(): void {
    if (this.#isOver) return;
    if (this.#stages === undefined && this.#heldBytes === 0) return this.#end();
    if (this.#stages === undefined && this.#decodeAtOnce()) return;
    this.#decodeInStages();
    this.#stages![0]!.end();
  }

  /** Nothing more is wanted for now. */
  pause(): void {
    this.#stages?.at(-1)!.pause();
  }

  resume(): void {
    this.#stages?.at(-1)!.resume();
  }

  /** Gives up. Nothing more is told. */
  destroy(): void {
    this.#isOver = true;
    this.#held = [];
    for (const stage of this.#stages ?? []) stage.destroy();
  }

  /** @returns false if that would take long */
  #decodeAtOnce(): boolean {
    const maxBytes = Math.max(1, Math.min(atOnceResultBytes, this.#limits.maxBytes));
    let bytes: Buffer | undefined = this.#held.length === 1 ? this.#held[0]! : Buffer.concat(this.#held);
    try {
      for (const coding of this.#codings) bytes = bytes && decodeWhole(coding, bytes, maxBytes);
    } catch (error) {
      this.#fail(this.#broken(error as Error));
      return true;
    }
    if (bytes === undefined) return false;
    this.#decoded(bytes);
    if (!this.#isOver) this.#end();
    return true;
  }

  #decodeInStages(): void {
    if (this.#isOver || this.#stages !== undefined) return;
    this.#stages = this.#makeStages();
    const held = this.#held;
    this.#held = [];
    for (const chunk of held) this.#stages[0]!.push(chunk);
  }

  #makeStages(): DecodingStage[] {
    const stages: DecodingStage[] = [];
    for (const [at, coding] of this.#codings.entries()) {
      const next = (): DecodingStage | undefined => stages[at + 1];
      const before = stages[at - 1];
      const owner: StageOwner = {
        decoded: (chunk) => (next() === undefined ? this.#decoded(chunk) : next()!.push(chunk)),
        ended: () => (next() === undefined ? this.#end() : next()!.end()),
        failed: (error) => this.#fail(this.#broken(error)),
        full: () => (before === undefined ? this.#owner.pauseWire() : before.pause()),
        drained: () => (before === undefined ? this.#owner.resumeWire() : before.resume()),
      };
      stages.push(new DecodingStage(coding, owner));
    }
    return stages;
  }

  #decoded(chunk: Buffer): void {
    const { maxBytes } = this.#limits;
    if (this.#isOver || chunk.length === 0) return;
    this.#decodedBytes += chunk.length;
    if (this.#decodedBytes <= maxBytes) this.#owner.decoded(chunk);
    else this.#fail(new BodyTooLargeError(this.#owner, "the body, decompressed,", maxBytes));
  }

  #end(): void {
    this.#isOver = true;
    this.#owner.decodedAll();
  }

  #broken(cause: Error): ContentEncodingError {
    return new ContentEncodingError(this.#owner, this.#codings.toReversed().join(", "), cause);
  }

  #fail(error: Error): void {
    this.destroy();
    this.#owner.decodingFailed(error);
  }
}

/**
 * @returns undefined if that would take long
 * @throws an error of zlib
 */
function decodeWhole(coding: Coding, bytes: Buffer, maxBytes: number): Buffer | undefined {
  if (bytes.length === 0) return bytes;
  const whole = decompress(coding, bytes, maxBytes);
  if (whole === undefined || whole.usedBytes === bytes.length) return whole?.bytes;
  if (isPadding(coding, bytes.subarray(whole.usedBytes))) return whole.bytes;
  // Another frame, of which there may be many.
  if (coding === "zstd") return undefined;
  throw trailing(coding);
}

/** @throws {ContentEncodingError} there are too many */
export function checkCodings(codings: readonly Coding[], request: RequestName): void {
  if (codings.length <= mostCodings) return;
  const why = new Error(`it is compressed ${codings.length} times, and at most ${mostCodings} are undone`);
  throw new ContentEncodingError(request, codings.toReversed().join(", "), why);
}
