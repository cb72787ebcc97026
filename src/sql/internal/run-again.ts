import { expectInteger } from "../../core/index.ts";
import { exponential, retry } from "../../flow/index.ts";
import type { TransactionOptions } from "../database.ts";
import { SerializationError } from "../errors.ts";

const backoff = exponential({ baseMs: 10, maxMs: 1_000 });

/** Runs a transaction, and runs it again where the database gave it up for others, as often as `retrySerialization` says. */
export async function runAgain<T>(options: TransactionOptions, run: () => Promise<T>): Promise<T> {
  const { retrySerialization = 0 } = options;
  expectInteger("retrySerialization", retrySerialization, 0);
  return await retry(run, { attempts: retrySerialization + 1, backoff, when: isSerialization });
}

function isSerialization(error: unknown): boolean {
  return error instanceof SerializationError;
}
