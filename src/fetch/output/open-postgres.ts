import type { PostgresOutput, PostgresOutputOptions } from "./postgres-output.ts";

/** Opens a table of Postgres for results. What that needs is loaded only then: most runs write to files. */
export async function openPostgresOutput(options: PostgresOutputOptions): Promise<PostgresOutput> {
  const { PostgresOutput: Output } = await import("./postgres-output.ts");
  return await Output.open(options);
}
