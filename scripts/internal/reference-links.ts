/** Where in the reference a name is described. */
import { anchorsOf } from "./anchors.ts";
import type { Api, ApiExport } from "./api-model.ts";
import { headingsOf } from "./reference-outline.ts";

export class Links {
  readonly #apis: readonly Api[];
  /** The anchors of the headings of each page. */
  readonly #anchors = new Map<Api, Map<string, string>>();

  constructor(apis: readonly Api[]) {
    this.#apis = apis;
    for (const api of apis) this.#anchors.set(api, anchorsOf(headingsOf(api)));
  }

  /**
   * A link to `name`, as seen from the page of `from`, inside the description of `item`.
   *
   * @throws {Error} there is no such name: a `{@link}` in a doc comment is wrong
   */
  to(from: Api, name: string, item?: ApiExport): string {
    const inside = item && [`${item.name}.${name}`, item.members.some((each) => each.name === name) ? item.name : ""];
    const found = [...(inside ?? []), name, name.split(".")[0]!].find((each) => this.#locate(from, each) !== undefined);
    if (found === undefined) throw new Error(`{@link ${name}} in ${from.door.specifier} leads nowhere`);
    return `[\`${name}\`](${this.#locate(from, found)})`;
  }

  /** The same, or undefined if there is no such name. */
  find(from: Api, name: string): string | undefined {
    const target = this.#locate(from, name);
    return target && `[\`${name}\`](${target})`;
  }

  #locate(from: Api, title: string): string | undefined {
    for (const api of [from, ...this.#apis]) {
      const anchor = this.#anchors.get(api)!.get(title);
      if (anchor !== undefined) return `${api === from ? "" : `${api.door.page}.md`}#${anchor}`;
    }
    return undefined;
  }
}
