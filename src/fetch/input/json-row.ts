import { digitsOf } from "./json-digits.ts";
import { FieldProblem } from "./job-builder.ts";
import type { JsonFormat } from "./json-lines.ts";
import type { RequestTemplate } from "./request-template.ts";
import type { Row } from "./template.ts";

/** Objects whose fields fill in a template. They are data: nothing in them is a part of a request by its name but the id. */
export function templatedJson(template: RequestTemplate, idField: string | undefined): JsonFormat {
  return {
    example: `{${[...template.names].map((name) => `${JSON.stringify(name)}: "..."`).join(", ")}}`,
    names: { id: idField ?? "id" },
    read(value, text) {
      const id = value[idField ?? "id"];
      const isId = idField !== undefined || typeof id === "string" || typeof id === "number";
      return template.requestOf(isId ? id : undefined, new JsonRow(value, text));
    },
  };
}

class JsonRow implements Row {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #text: string;

  constructor(value: Readonly<Record<string, unknown>>, text: string) {
    this.#value = value;
    this.#text = text;
  }

  text(name: string): string {
    const value = this.#get(name);
    if (typeof value === "string") return value;
    if (typeof value === "number") return digitsOf(this.#text, name, value);
    if (typeof value === "boolean") return String(value);
    const kind = value === null ? "null" : Array.isArray(value) ? "an array" : "an object";
    throw new FieldProblem(name, `Expected \`${name}\` to be text, a number, true or false, got ${kind}`);
  }

  json(name: string): string {
    const value = this.#get(name);
    return typeof value === "number" ? digitsOf(this.#text, name, value) : JSON.stringify(value);
  }

  #get(name: string): unknown {
    if (!Object.hasOwn(this.#value, name)) throw new FieldProblem(name, `\`${name}\` is missing`);
    return this.#value[name];
  }
}
