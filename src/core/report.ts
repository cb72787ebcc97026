import type { ScopeNode } from "./scope.ts";

/** More lines than this help nobody. */
const maxLines = 60;

/** The tree below `top` as text, one scope a line, each with what it waits for. */
export function drawTree(top: ScopeNode): string {
  const lines: string[] = [];
  draw(top, "", "", lines);
  const hidden = lines.length - maxLines;
  return (hidden > 0 ? [...lines.slice(0, maxLines), `... and ${hidden} more`] : lines).join("\n");
}

function draw(scope: ScopeNode, first: string, rest: string, lines: string[]): void {
  lines.push(`${first}${scope.name}${waitsOf(scope)}`);
  const children = childrenOf(scope);
  for (const [index, child] of children.entries()) {
    const isLast = index === children.length - 1;
    draw(child, `${rest}${isLast ? "└─ " : "├─ "}`, `${rest}${isLast ? "   " : "│  "}`, lines);
  }
}

/** Children in the order in which they were opened. */
function childrenOf(scope: ScopeNode): ScopeNode[] {
  const children: ScopeNode[] = [];
  for (let child = scope.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children.reverse();
}

/** What a scope with waits, or without children, waits for. */
function waitsOf(scope: ScopeNode): string {
  const labels = new Map<string, number>();
  for (let wait = scope.firstWaiter; wait !== null; wait = wait.nextInScope) {
    const label = wait.describe();
    labels.set(label, (labels.get(label) ?? 0) + 1);
  }
  if (labels.size === 0) return scope.firstChild === null ? ": computes, or waits for a foreign promise" : "";
  return `: waits for ${[...labels].map(([label, count]) => (count === 1 ? label : `${count} x ${label}`)).join("; ")}`;
}
