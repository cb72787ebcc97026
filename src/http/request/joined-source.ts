import {
  type ByteSource,
  MeasuredSource,
  type UnmeasuredSource,
  giveUp,
  isBlob,
  isUnmeasured,
  piecesOf,
} from "./byte-source.ts";
import { type OutgoingBody, bytesBody } from "./outgoing-body.ts";

/** What stands behind each other in a body. */
export type Segment = Uint8Array | Blob | UnmeasuredSource | ByteSource;

/** One body of many segments. */
export function joined(segments: readonly Segment[]): OutgoingBody {
  const [first] = segments;
  if (segments.length === 1 && first instanceof Uint8Array) return bytesBody(first);
  const isRepeatable = segments.every((segment) => !isGivenOnce(segment));
  if (segments.some(isUnmeasured)) {
    const content = new UnmeasuredJoinedSource(segments);
    return { content, contentType: undefined, length: undefined, isRepeatable };
  }
  const content = measuredJoined(segments as readonly ReadySegment[]);
  return { content, contentType: undefined, length: content.length, isRepeatable };
}

/** Whether its bytes may be gone once they have been read. */
function isGivenOnce(segment: Segment): boolean {
  return !(segment instanceof Uint8Array || isBlob(segment) || isUnmeasured(segment));
}

class UnmeasuredJoinedSource implements UnmeasuredSource {
  readonly #segments: readonly Segment[];

  constructor(segments: readonly Segment[]) {
    this.#segments = segments;
  }

  async measure(): Promise<MeasuredSource> {
    const measuring = this.#segments.map(async (segment) => (isUnmeasured(segment) ? segment.measure() : segment));
    return measuredJoined(await Promise.all(measuring));
  }

  /** It is of no more use. */
  destroy(): void {
    for (const segment of this.#segments) giveUp(segment);
  }
}

type ReadySegment = Uint8Array | Blob | MeasuredSource | ByteSource;

function measuredJoined(segments: readonly ReadySegment[]): MeasuredSource {
  let length: number | undefined = 0;
  for (const segment of segments) {
    const bytes = lengthOf(segment);
    length = length === undefined || bytes === undefined ? undefined : length + bytes;
  }
  return new MeasuredSource(
    length,
    () => piecesOfAll(segments),
    () => segments.forEach(giveUp),
  );
}

async function* piecesOfAll(segments: readonly ReadySegment[]): AsyncGenerator<string | Uint8Array> {
  for (const segment of segments) yield* piecesIn(segment);
}

function lengthOf(segment: ReadySegment): number | undefined {
  if (segment instanceof Uint8Array || segment instanceof MeasuredSource) return segment.length;
  return isBlob(segment) ? segment.size : undefined;
}

function piecesIn(segment: ReadySegment): ByteSource {
  if (segment instanceof Uint8Array) return { [Symbol.iterator]: () => piecesOf(segment) };
  return isBlob(segment) ? segment.stream() : segment;
}
