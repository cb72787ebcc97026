import fc from "fast-check";

/** Numbers from 0 to below 1: the same ones in each run, unless the seed of properties is set. */
export function random(): () => number {
  const [draws] = fc.sample(fc.infiniteStream(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })), 1);
  return () => draws!.next().value!;
}
