import { RequestTemplate, TemplateProblem } from "../fetch/index.ts";
import type { GivenFlags } from "./flags.ts";
import type { InputSettings } from "./input-settings.ts";
import type { RequestDefaults } from "./request-settings.ts";
import { UsageError } from "./usage-error.ts";

/** Formats whose lines have fields. */
const withFields: readonly (string | undefined)[] = [undefined, "jsonl", "csv", "tsv"];

/**
 * What requests are made of the fields of lines by, if there is a template.
 *
 * @throws {UsageError} it is wrong, or there are no lines with fields
 */
export function readTemplate(
  given: GivenFlags,
  defaults: RequestDefaults,
  { urls, inputFormat, baseUrl }: InputSettings,
): RequestTemplate | undefined {
  const url = given.get("template");
  if (url === undefined) return undefined;
  if (urls.length > 0) throw new UsageError("Got --template and URLs", "a template takes a list of fields, with -i");
  if (!withFields.includes(inputFormat)) {
    throw new UsageError(`Lines of ${inputFormat} have no fields for --template`, "those of csv, tsv and jsonl have");
  }
  try {
    return new RequestTemplate({
      ...defaults,
      baseUrl,
      url,
      bodyKind: given.has("json") ? "json" : "form",
    });
  } catch (error) {
    if (!(error instanceof TemplateProblem)) throw error;
    throw new UsageError(`--template ${error.message}`, "write it as https://example.com/{id}?q={name}");
  }
}
