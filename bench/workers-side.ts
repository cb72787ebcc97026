/** What threads run in the bench of pools: as exports, which most pools take. */
export function add(n: number): number {
  return n + 1;
}

export function sumOfSquares(below: number): number {
  let sum = 0;
  for (let i = 0; i < below; i++) sum += i * i;
  return sum;
}
