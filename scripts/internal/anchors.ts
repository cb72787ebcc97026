/**
 * The anchors that renderers of Markdown give to the headings of a page, in their order: equal ones are numbered.
 *
 * @returns by heading; of equal headings the last
 */
export function anchorsOf(headings: readonly string[]): Map<string, string> {
  const anchors = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const heading of headings) {
    const slug = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
      .replaceAll(" ", "-");
    const count = counts.get(slug) ?? 0;
    counts.set(slug, count + 1);
    anchors.set(heading, count === 0 ? slug : `${slug}-${count}`);
  }
  return anchors;
}
