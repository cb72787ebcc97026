import workerpool from "workerpool";
import { add, sumOfSquares } from "./workers-side.ts";

workerpool.worker({ add, sumOfSquares });
