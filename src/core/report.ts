import type { ScopeNode } from "./scope.ts";
import type { Waiter } from "./waiter.ts";

/** More lines than this help nobody. */
const maxLines = 60;

/** A scope to be drawn: what stands before its line, and before those of its children. */
interface Branch {
  readonly scope: ScopeNode;
  readonly first: string;
  readonly rest: string;
}

/** The tree below `top` as text, one scope a line in the order in which they were opened, with what each waits for. */
export function drawTree(top: ScopeNode): string {
  return drawTreeAs(top.name, top);
}

/** The same, with another name for `top`. */
export function drawTreeAs(title: string, top: ScopeNode): string {
  const lines: string[] = [];
  let hidden = 0;
  const branches: Branch[] = [{ scope: top, first: "", rest: "" }];
  for (let branch = branches.pop(); branch !== undefined; branch = branches.pop()) {
    const { scope, first, rest } = branch;
    // A wait may take its time to say where in its queue it stands: only those that are shown are asked.
    if (lines.length < maxLines) lines.push(`${first}${scope === top ? title : scope.name}${waitsOf(scope)}`);
    else hidden++;
    for (let child = scope.firstChild; child !== null; child = child.nextSibling) {
      // The list of children is newest first, and what is put down last is taken up first.
      const isLast = child === scope.firstChild;
      branches.push({
        scope: child,
        first: `${rest}${isLast ? "└─ " : "├─ "}`,
        rest: `${rest}${isLast ? "   " : "│  "}`,
      });
    }
  }
  return (hidden > 0 ? [...lines, `... and ${hidden} more`] : lines).join("\n");
}

/** More scopes around a scope than this are left out of its path. */
const maxPath = 8;

/** Where in the tree a scope is: `run > workers > fetcher`. */
export function pathOf(scope: ScopeNode): string {
  const names: string[] = [];
  for (let around: ScopeNode | null = scope; around !== null; around = around.parent) {
    if (names.unshift(around.name) > maxPath) {
      names[0] = "...";
      break;
    }
  }
  return names.join(" > ");
}

/** More waits of one scope than this are counted only: to find its place in a queue, each may walk through all of it. */
const maxWaits = 100;

/** What a scope with waits, or without children, waits for. */
function waitsOf(scope: ScopeNode): string {
  const labels = new Map<string, number>();
  let count = 0;
  for (let wait = scope.firstWaiter; wait !== null; wait = wait.nextInScope) {
    if (++count > maxWaits) continue;
    const label = labelOf(wait);
    labels.set(label, (labels.get(label) ?? 0) + 1);
  }
  if (count === 0) return scope.firstChild === null ? ": computes, or waits for a foreign promise" : "";
  const listed = [...labels].map(([label, times]) => (times === 1 ? label : `${times} x ${label}`));
  if (count > maxWaits) listed.push(`${count - maxWaits} more`);
  return `: waits for ${listed.join("; ")}`;
}

/** Reports are made where nothing may fail: for a warning, or on the way out of the process. */
function labelOf(wait: Waiter<unknown>): string {
  try {
    return wait.describe();
  } catch {
    return "something that cannot be described";
  }
}
