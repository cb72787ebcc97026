import { type RequestName, SchemaError } from "./errors.ts";
import { wrong } from "./request/check.ts";

/**
 * What a schema has that follows Standard Schema, version 1: those of Zod, Valibot, ArkType and many others. See
 * https://standardschema.dev.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  /** What tools may use of it. */
  readonly "~standard": SchemaProperties<Input, Output>;
}

/** What tools may use of a schema. */
export interface SchemaProperties<Input, Output> {
  /** Of the standard. */
  readonly version: 1;
  /** The library that has made the schema. */
  readonly vendor: string;
  /** Says what becomes of a value, or what is wrong with it. */
  readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>;
  /** For the compiler: never there. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined;
}

/** What becomes of a value: without `issues` it is right. */
export type SchemaResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] };

/** What is wrong with a value. */
export interface SchemaIssue {
  /** By the schema: it may show a part of the value. */
  readonly message: string;
  /** Where, from the outside to the inside. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** What a schema makes of a value. */
export type SchemaOutput<Schema extends StandardSchema> = NonNullable<Schema["~standard"]["types"]>["output"];

/** @throws {TypeError} `schema` does not follow Standard Schema */
export function checkSchema(schema: unknown): asserts schema is StandardSchema {
  const standard = (schema as { "~standard"?: unknown } | null | undefined)?.["~standard"];
  if (typeof (standard as { validate?: unknown } | undefined)?.validate === "function") return;
  throw new TypeError(wrong("schema", "a Standard Schema, such as one of Zod, Valibot or ArkType", schema));
}

/**
 * Cancel: a schema that waits is not interrupted, unless it waits at checkpoints.
 *
 * @throws {SchemaError} `value` is not as `schema` wants it
 */
export async function validated(
  schema: StandardSchema,
  value: unknown,
  request: RequestName,
  status: number,
): Promise<unknown> {
  const result = await schema["~standard"].validate(value);
  if (result.issues !== undefined) throw new SchemaError(request, status, result.issues);
  return result.value;
}
