/** Declarations as they stand in the source: their parts, their texts and their doc comments. */
import {
  type ClassElement,
  type Node,
  SyntaxKind,
  type TypeElement,
  isClassDeclaration,
  isInterfaceDeclaration,
  isVariableDeclaration,
} from "typescript/unstable/ast";
import { type DocComment, readDocComment } from "./doc-comment.ts";

/** Members as they stand in the source. */
export type MemberNode = (ClassElement | TypeElement) & { readonly modifiers?: readonly Node[]; readonly type?: Node };

export function membersIn(node: Node): MemberNode[] {
  return isClassDeclaration(node) || isInterfaceDeclaration(node) ? ([...node.members] as MemberNode[]) : [];
}

export function nameOf(member: MemberNode): string {
  return member.kind === SyntaxKind.Constructor ? "constructor" : ((member as { name?: Node }).name?.getText() ?? "");
}

export function has(node: MemberNode, ...modifiers: SyntaxKind[]): boolean {
  return (node.modifiers ?? []).some(({ kind }) => modifiers.includes(kind));
}

export function isPublic(member: MemberNode): boolean {
  if (has(member, SyntaxKind.PrivateKeyword, SyntaxKind.ProtectedKeyword)) return false;
  return !nameOf(member).startsWith("#") && docOf(member)?.isHidden !== true;
}

/** What stands before `{` of a class or interface. */
export function headOf(node: Node): string {
  const isClass = isClassDeclaration(node);
  const text = textFrom(node, (node as unknown as { name: Node }).name.getStart());
  const isAbstract = isClass && has(node as unknown as MemberNode, SyntaxKind.AbstractKeyword);
  return `${isAbstract ? "abstract " : ""}${isClass ? "class" : "interface"} ${text.slice(0, text.indexOf("{")).trim()}`;
}

/** Name, parameters and return type of something that can be called. */
export function callOf(node: Node): string {
  const { name, body } = node as { name?: Node; body?: Node };
  const text = textFrom(node, (name ?? node).getStart(), body?.getFullStart());
  return text.replace(/;$/, "");
}

export function textFrom(node: Node, start: number, end: number = node.getEnd()): string {
  return node
    .getSourceFile()
    .text.slice(start, end)
    .trim()
    .replace(/^export /, "");
}

/** The doc comment of a statement or member: the last one before it. */
export function docOf(of: Node): DocComment | undefined {
  const node = isVariableDeclaration(of) ? of.parent.parent : of;
  return commentsBefore(node).findLast(({ isOfModule }) => !isOfModule);
}

/** The doc comment of a module, which stands before its first statement. */
export function moduleDocOf(first: Node): DocComment | undefined {
  return commentsBefore(first).find(({ isOfModule }) => isOfModule);
}

function commentsBefore(node: Node): DocComment[] {
  const before = node.getSourceFile().text.slice(node.getFullStart(), node.getStart());
  return (before.match(/\/\*\*[^]*?\*\//g) ?? []).map(readDocComment);
}
