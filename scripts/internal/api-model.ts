/** What the reference knows of the public API. */
import type { DocComment } from "./doc-comment.ts";
import type { Door } from "./doors.ts";

export interface Api {
  readonly door: Door;
  readonly doc: DocComment | undefined;
  readonly exports: readonly ApiExport[];
}

export type ExportKind = "function" | "class" | "constant" | "type" | "error";

export interface ApiExport {
  readonly name: string;
  readonly kind: ExportKind;
  /** `file.ts:12`, for messages. */
  readonly place: string;
  readonly doc: DocComment | undefined;
  /** For a function its signatures, for a type alias all of it, for a class or an interface what stands before `{`. */
  readonly signature: string;
  /** Of classes and interfaces, else empty. */
  readonly members: readonly ApiMember[];
  /** Exported classes and interfaces that it extends: their members count, and are shown there. */
  readonly bases: readonly string[];
  /** Whether it returns something to await or to iterate with `for await`. */
  readonly waits: boolean;
  /** Types of ours that its declaration names and no door exports: users could not name them. */
  readonly unnamed: readonly string[];
}

export interface ApiMember {
  readonly name: string;
  readonly kind: "constructor" | "property" | "method";
  readonly place: string;
  /** Its own, or else that of the member it implements or overrides. */
  readonly doc: DocComment | undefined;
  /** As in a declaration, without a semicolon. */
  readonly signature: string;
  /** Of a property. */
  readonly type: string;
  readonly isOptional: boolean;
  readonly waits: boolean;
}
