import { UsageError } from "./usage-error.ts";

/** Where `-o` leads. */
export type ResultsTarget =
  | { readonly kind: "standard output" }
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "sqlite"; readonly path: string }
  | {
      readonly kind: "postgres";
      /** With what is secret. */
      readonly url: string;
      /** `table`, or `schema.table`. */
      readonly table: string;
    };

const sqlitePrefix = "sqlite:";
const postgresForm = /^postgres(?:ql)?:/;
const usualTable = "results";
/** One that needs no quotes, whatever its case. 63 bytes are all that Postgres takes. */
const tableName = /^(?:[a-z_][\w$]{0,62}\.)?[a-z_][\w$]{0,62}$/i;

/** @throws {UsageError} it leads nowhere */
export function readTarget(output: string | undefined): ResultsTarget {
  if (output === undefined || output === "-") return { kind: "standard output" };
  if (postgresForm.test(output)) return readPostgres(output);
  const isSqlite = output.startsWith(sqlitePrefix);
  const path = isSqlite ? output.slice(sqlitePrefix.length) : output;
  // An empty name, as of a variable that is not set, would be that of the folder one is in.
  if (path === "") throw new UsageError(`Expected a name after --output, got \`${output}\``);
  return { kind: isSqlite ? "sqlite" : "file", path };
}

function readPostgres(output: string): ResultsTarget {
  // A password with a slash in it would be read as part of a host, and shown.
  const [, address, query = ""] = /^([^@]*\/\/(?:[^@/?#]*@)?[^@?#]*)(?:\?([^@#]*))?$/.exec(output) ?? [];
  if (address === undefined) {
    throw new UsageError(
      "Expected --output to be like postgres://user:password@host/database?table=results",
      "in names and passwords, @ is written %40, / %2F, ? %3F and # %23",
    );
  }
  const parameters = new URLSearchParams(query);
  const table = parameters.get("table") ?? usualTable;
  if (!tableName.test(table)) {
    throw new UsageError(
      `Expected ?table= to be a name such as results or shop.results, got \`${table}\``,
      "letters, digits and _, after a letter",
    );
  }
  parameters.delete("table");
  // For whoever looks at what the server does; a name of the user's goes before it.
  parameters.append("fallback_application_name", "taskwright fetch");
  return { kind: "postgres", url: `${address}?${parameters.toString()}`, table };
}

/** `output` as it may be shown. Of a URL that is wrong, nothing tells where a password ends: all before the last @ goes. */
export function showTarget(output: string): string {
  const scheme = postgresForm.exec(output)?.[0];
  if (scheme === undefined) return output;
  const credentials = output.lastIndexOf("@");
  const shown = credentials === -1 ? output : `${scheme}//***${output.slice(credentials)}`;
  return shown.replaceAll(/([?&](?:ssl)?password=)[^&]*/gi, "$1***");
}
