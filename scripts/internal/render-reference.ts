/** Turns the public API into Markdown: a page a door. */
import { format } from "oxfmt";
import type { Api, ApiExport, ApiMember } from "./api-model.ts";
import type { DocComment } from "./doc-comment.ts";
import { Links } from "./reference-links.ts";
import { type Group, groupsOf, methodsOf, titleOf } from "./reference-outline.ts";
import { typeNamesIn } from "./type-names.ts";

const notice = "<!-- Written by `npm run docs` from the doc comments in the source: change those. -->";

/** The pages by their names, formatted. */
export async function renderReference(apis: readonly Api[]): Promise<Map<string, string>> {
  const links = new Links(apis);
  const pages = apis.map(async (api): Promise<[string, string]> => {
    const name = `${api.door.page}.md`;
    const formatted = await format(name, new Page(api, links).render(), { printWidth: 120 });
    const [error] = formatted.errors;
    if (error !== undefined) throw new Error(`${name} cannot be formatted: ${error.message}`);
    return [name, formatted.code];
  });
  return new Map(await Promise.all(pages));
}

class Page {
  readonly #api: Api;
  readonly #links: Links;

  constructor(api: Api, links: Links) {
    this.#api = api;
    this.#links = links;
  }

  render(): string {
    const { door, doc } = this.#api;
    const groups = groupsOf(this.#api);
    return blocks(
      notice,
      `# ${door.specifier}`,
      doc && this.#description(doc),
      "## Contents",
      ...groups.map((group) => this.#contents(group)),
      ...groups.flatMap(({ title, exports }) => [`## ${title}`, ...exports.map((item) => this.#renderExport(item))]),
    );
  }

  #contents({ title, exports }: Group): string {
    const names = exports.map(({ name }) => this.#links.to(this.#api, name));
    // Most types are settings of something, and are found from there.
    if (title === "Types") return `${title}: ${names.join(", ")}`;
    const rows = exports.map(({ doc }, index) => [names[index]!, this.#text(firstSentenceOf(doc?.text ?? ""))]);
    return tableOf([[title.toLowerCase(), ""], ...rows]);
  }

  #renderExport(item: ApiExport): string {
    const { name, doc, members } = item;
    const methods = methodsOf(item);
    const properties = members.filter(({ kind }) => kind === "property");
    const isRecord = item.kind === "type" && members.length > 0 && methods.length === 0;
    return blocks(
      `### ${name}`,
      doc && this.#text(doc.text, item),
      isRecord ? undefined : fence(declarationOf(item)),
      this.#seeAlso(item),
      ...members.map(({ kind, doc: own }) => kind === "constructor" && own && this.#description(own, item)),
      doc && this.#details(doc, item),
      this.#table(properties, item),
      ...methods.map((method) =>
        blocks(`#### ${titleOf(item, method)}`, method.doc && this.#description(method.doc, item)),
      ),
    );
  }

  /** Where the bases and the types that are named in the declaration are described. */
  #seeAlso(item: ApiExport): string | undefined {
    const names = typeNamesIn(item).filter((name) => !item.bases.includes(name));
    const others = names.flatMap((name) => this.#links.find(this.#api, name) ?? []);
    return blocks(
      item.bases.length > 0 && `Has all that ${this.#links.to(this.#api, item.bases[0]!)} has, and this.`,
      others.length > 0 && `See ${others.join(", ")}.`,
    );
  }

  #description(doc: DocComment, item?: ApiExport): string {
    return blocks(this.#text(doc.text, item), this.#details(doc, item));
  }

  #details(doc: DocComment, item?: ApiExport): string {
    const text = (markdown: string): string => this.#text(markdown, item);
    const list = [
      ...doc.params.map((each) => `\`${each.name}\`: ${text(each.text)}`),
      ...(doc.returns === undefined ? [] : [`Returns ${text(doc.returns)}`]),
      ...doc.throws.map(({ type, text: when }) => `Throws ${blockless([this.#types(type), text(when)])}`),
    ];
    return blocks(
      doc.cancel !== undefined && `**Cancel:** ${text(doc.cancel)}`,
      list.map((line) => `- ${line.replaceAll("\n", "\n  ")}`).join("\n"),
      ...doc.examples,
    );
  }

  /** The types behind a `@throws`, such as `TypeError | RangeError`. */
  #types(types: string | undefined): string | undefined {
    const names = types?.split("|").map((type) => type.trim());
    return names && `${names.map((name) => this.#links.find(this.#api, name) ?? code(name)).join(" or ")}:`;
  }

  #table(properties: readonly ApiMember[], item: ApiExport): string | undefined {
    if (properties.length === 0) return undefined;
    const hasDefaults = properties.some(({ doc }) => doc?.default !== undefined);
    const head = ["property", "type", ...(hasDefaults ? ["default"] : []), "meaning"];
    const rows = properties.map(({ name, isOptional, type, doc }) => [
      code(`${name}${isOptional ? "?" : ""}`),
      code(type.replaceAll(/\s+/g, " ")),
      ...(hasDefaults ? [this.#default(doc?.default)] : []),
      this.#cell(doc, item),
    ]);
    return tableOf([head, ...rows]);
  }

  #default(value: string | undefined): string {
    if (value === undefined || value.includes("`")) return value ?? "";
    // A value, or some words on it.
    return /^[a-z' ]+ [a-z' ]+$/.test(value) ? value : code(value);
  }

  #cell(doc: DocComment | undefined, item: ApiExport): string {
    if (doc === undefined) return "";
    const throws = doc.throws.map(({ type, text }) => `Throws ${blockless([this.#types(type), text])}.`);
    const cancel = doc.cancel === undefined ? [] : [`Cancel: ${doc.cancel}`];
    return this.#text([doc.text, ...cancel, ...throws].join(" "), item);
  }

  /** Text with its links. What is indented as code gets a fence. */
  #text(markdown: string, item?: ApiExport): string {
    const linked = markdown.replaceAll(/\{@link (\S+?)\}/g, (_, target: string) => {
      return this.#links.to(this.#api, target, item);
    });
    return linked.replaceAll(/(?:^ {4}.*(?:\n|$))+/gm, (drawing) => {
      return `\`\`\`text\n${drawing.replaceAll(/^ {4}/gm, "").trimEnd()}\n\`\`\`\n`;
    });
  }
}

/** The declaration in full: for classes and interfaces with the signatures of all members. */
function declarationOf({ signature, members }: ApiExport): string {
  if (members.length === 0) return signature;
  return `${signature} {\n${members.map((member) => `  ${member.signature};`).join("\n")}\n}`;
}

function fence(text: string): string {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function code(text: string): string {
  return `\`${text}\``;
}

function tableOf([head = [], ...rows]: readonly (readonly string[])[]): string {
  return [head, head.map(() => "-"), ...rows].map((row) => `| ${row.map(inCell).join(" | ")} |`).join("\n");
}

/** A dot inside of `code` ends nothing. */
function firstSentenceOf(text: string): string {
  const paragraph = text.split("\n\n", 1)[0] ?? "";
  return /^(?:`[^`]*`|[^`])*?\.(?=\s|$)/.exec(paragraph)?.[0] ?? paragraph;
}

function inCell(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|");
}

function blockless(words: readonly (string | undefined)[]): string {
  return words
    .filter((word) => word !== undefined && word !== "")
    .join(" ")
    .replace(/:$/, "");
}

/** Blocks with a blank line between them. */
function blocks(...parts: readonly (string | false | undefined)[]): string {
  return parts.filter((part) => part !== false && part !== undefined && part !== "").join("\n\n");
}
