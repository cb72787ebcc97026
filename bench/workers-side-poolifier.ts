import { ThreadWorker } from "poolifier";
import { add, sumOfSquares } from "./workers-side.ts";

const worker: ThreadWorker<number, number> = new ThreadWorker<number, number>({
  add: (n) => add(n!),
  sumOfSquares: (n) => sumOfSquares(n!),
});
export default worker;
