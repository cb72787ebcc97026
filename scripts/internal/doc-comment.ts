/** A doc comment in its parts. Texts are Markdown, with `{@link ...}` as written. */
export interface DocComment {
  /** The sentences before the tags, less what cancellation does. */
  readonly text: string;
  /** The paragraph `Cancel: ...`, without that word. */
  readonly cancel: string | undefined;
  readonly params: readonly { readonly name: string; readonly text: string }[];
  readonly returns: string | undefined;
  readonly throws: readonly { readonly type: string | undefined; readonly text: string }[];
  readonly default: string | undefined;
  readonly examples: readonly string[];
  /** `@internal`: not for users, and stripped from the published types. `@hidden`: those stay, only the page goes. */
  readonly isHidden: boolean;
  /** `@module`: it describes the file. */
  readonly isOfModule: boolean;
}

interface Part {
  readonly tag: string;
  readonly lines: string[];
}

/** Reads a comment, with its stars. */
export function readDocComment(comment: string): DocComment {
  const parts = partsOf(comment).map(({ tag, lines }) => ({ tag, text: lines.join("\n").trim() }));
  const textsOf = (...tags: string[]): string[] =>
    parts.filter(({ tag }) => tags.includes(tag)).map(({ text }) => text);
  const paragraphs = textsOf("", "module")
    .join("\n\n")
    .trim()
    .split(/\n{2,}/);
  const cancel = paragraphs.find((paragraph) => paragraph.startsWith("Cancel: "));
  return {
    text: paragraphs.filter((paragraph) => paragraph !== cancel).join("\n\n"),
    cancel: cancel?.slice("Cancel: ".length),
    params: textsOf("param").map((text) => {
      const [, name = "", rest = ""] = /^(\S+)\s*(?:-\s*)?([^]*)$/.exec(text) ?? [];
      return { name, text: rest };
    }),
    returns: textsOf("returns")[0],
    throws: textsOf("throws").map((text) => {
      const [, type, rest = ""] = /^(?:\{(.*?)\}\s*)?([^]*)$/.exec(text) ?? [];
      return { type, text: rest };
    }),
    default: textsOf("default")[0],
    examples: textsOf("example"),
    isHidden: textsOf("internal", "hidden").length > 0,
    isOfModule: textsOf("module").length > 0,
  };
}

function partsOf(comment: string): Part[] {
  const parts: Part[] = [{ tag: "", lines: [] }];
  let isCode = false;
  for (const line of linesOf(comment)) {
    if (line.startsWith("```")) isCode = !isCode;
    const [, tag, rest] = (isCode ? null : /^@(\w+) ?(.*)$/.exec(line)) ?? [];
    if (tag !== undefined) parts.push({ tag, lines: [rest ?? ""] });
    else parts.at(-1)!.lines.push(line);
  }
  return parts;
}

/** The lines without their stars. A tag behind a sentence, as in a comment of one line, gets a line of its own. */
function linesOf(comment: string): string[] {
  const inner = comment.replace(/^\/\*\*/, "").replace(/\s*\*\/$/, "");
  return inner.split("\n").flatMap((line) =>
    line
      .replace(/^\s*\* ?/, "")
      .replace(/^ (?=\S)/, "")
      .replaceAll(/ @(?=(?:default|throws|returns|internal|hidden)\b)/g, "\n@")
      .trimEnd()
      .split("\n"),
  );
}
