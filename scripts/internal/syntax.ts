/** Declarations as they stand in the source: their parts, their texts and their doc comments. */
import {
  type ClassDeclaration,
  type ClassElement,
  type InterfaceDeclaration,
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

/** Overloads, where there are any, without the function behind them. */
export function withoutImplementations(members: readonly MemberNode[]): MemberNode[] {
  const isImplementation = (member: MemberNode): boolean => (member as { body?: Node }).body !== undefined;
  const overloaded = new Set(members.filter((member) => isCallable(member) && !isImplementation(member)).map(nameOf));
  return members.filter((member) => !isImplementation(member) || !overloaded.has(nameOf(member)));
}

function isCallable({ kind }: MemberNode): boolean {
  return kind === SyntaxKind.Constructor || kind === SyntaxKind.MethodDeclaration;
}

/** `class Queue<T>`: how the declaration of a class or interface begins. */
export function nameWithTypeParameters(node: ClassDeclaration | InterfaceDeclaration): string {
  const isClass = isClassDeclaration(node);
  const isAbstract = isClass && has(node as unknown as MemberNode, SyntaxKind.AbstractKeyword);
  const parameters = (node.typeParameters ?? []).map((parameter) => parameter.getText()).join(", ");
  const keyword = isClass ? "class" : "interface";
  return `${isAbstract ? "abstract " : ""}${keyword} ${node.name!.getText()}${parameters === "" ? "" : `<${parameters}>`}`;
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
