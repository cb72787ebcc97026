/** What a disk writes as a whole. */
const sectorBytes = 512;
const prime = 0x0100_0193;

/**
 * A checksum that tells whether `bytes`, which stand at `offset` of a file, have all reached the disk: over one word of
 * each sector. A loss of power takes sectors, not bits; and a CRC of all bytes costs a hundredth of a whole run.
 */
export function sectorSum(bytes: Buffer, offset: number): number {
  let sum = Math.imul(bytes.length ^ (bytes.at(-1) ?? 0), prime);
  let at = 0;
  let next = sectorBytes - (offset % sectorBytes);
  while (at + 4 <= bytes.length) {
    sum = Math.imul(sum ^ bytes.readInt32LE(at), prime);
    at = next;
    next += sectorBytes;
  }
  return sum;
}
