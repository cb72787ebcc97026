import { FieldProblem } from "./job-builder.ts";
import type { JsonFormat } from "./json-lines.ts";
import { InputProblem } from "./request-parser.ts";

/**
 * Lines of an input file of OpenAI's Batch API: `{custom_id, method, url, body}`, with a URL such as
 * `/v1/chat/completions`.
 *
 * That no two have the same `custom_id` is not looked at: it would take memory for each of them.
 */
export function openaiBatch(baseUrl: string | undefined): JsonFormat {
  // In clients for the API a base URL ends in /v1, and so would both.
  const hasVersion = baseUrl !== undefined && /\/v1\/?$/.test(baseUrl);
  return {
    example: '{"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {}}',
    names: { id: "custom_id" },
    read({ custom_id: id, method, url, body }) {
      if (typeof id !== "string") {
        const what = id === undefined ? "`custom_id` is missing" : "Expected `custom_id` to be a string";
        throw new FieldProblem("custom_id", what);
      }
      if (typeof url !== "string" || !url.startsWith("/")) return { id, method, url, body };
      if (baseUrl === undefined) {
        throw new InputProblem(
          "openai-batch lines do not say which host: give --base-url, such as --base-url https://api.openai.com",
        );
      }
      return { id, method, url: hasVersion && url.startsWith("/v1/") ? url.slice("/v1".length) : url, body };
    },
  };
}

/** Whether `value`, the first line of an input, can only be such a line. */
export function isOpenaiBatch(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { custom_id: id, url } = value as { custom_id?: unknown; url?: unknown };
  return typeof id === "string" && typeof url === "string" && url.startsWith("/v1/");
}
