/** What the compiler knows of the source: what doors export, what names stand for, and of which type things are. */
import { relative } from "node:path";
import {
  type ExpressionWithTypeArguments,
  type Node,
  type SourceFile,
  SyntaxKind,
  isClassDeclaration,
  isInterfaceDeclaration,
  isTypeParameterDeclaration,
} from "typescript/unstable/ast";
import {
  type Checker,
  type Project,
  SignatureKind,
  SymbolFlags,
  type Symbol as Name,
  type Type,
} from "typescript/unstable/sync";
import type { Door } from "./doors.ts";
import { docOf } from "./syntax.ts";

export class Program {
  readonly #project: Project;
  readonly #checker: Checker;
  readonly #folder: string;
  /** Names by which users know declarations: those of any door. */
  readonly #exported = new Map<Node, string>();

  constructor(project: Project, folder: string, doors: readonly Door[]) {
    this.#project = project;
    this.#checker = project.checker;
    this.#folder = folder;
    for (const door of doors) {
      for (const [name, nodes] of this.exportsOf(door)) for (const node of nodes) this.#exported.set(node, name);
    }
  }

  sourceOf(door: Door): SourceFile {
    const source = this.#project.program.getSourceFile(door.source);
    if (source === undefined) throw new Error(`${door.source} is not in the project`);
    return source;
  }

  /** The declarations behind each name that the door exports, less what is hidden. In alphabetical order. */
  exportsOf(door: Door): Map<string, Node[]> {
    const module = this.#checker.getSymbolAtLocation(this.sourceOf(door));
    if (module === undefined) throw new Error(`${door.source} exports nothing`);
    const visible = new Map<string, Node[]>();
    for (const name of this.#checker.getExportsOfModule(module)) {
      const specifiers = this.#nodesOf(name).filter(({ kind }) => kind === SyntaxKind.ExportSpecifier);
      // `/** @internal */ export { ... } from`: the comment belongs to the whole statement.
      if (specifiers.some((node) => docOf(node.parent.parent)?.isHidden === true)) continue;
      const nodes = this.#nodesOf(this.#target(name));
      if (!nodes.some((node) => docOf(node)?.isHidden === true)) visible.set(name.name, nodes);
    }
    return new Map([...visible].toSorted(([a], [b]) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)));
  }

  #target(name: Name): Name {
    return (name.flags & SymbolFlags.Alias) === 0 ? name : this.#checker.getAliasedSymbol(name);
  }

  #nodesOf(name: Name): Node[] {
    return name.declarations.flatMap((declaration) => declaration.resolve(this.#project) ?? []);
  }

  /** Whether a word is a type of ours that no door exports. */
  isUnnamed(word: string, at: Node): boolean {
    const name = this.#checker.resolveName(word, SymbolFlags.Type, at);
    const nodes = name === undefined ? [] : this.#nodesOf(this.#target(name));
    return nodes.some((node) => !this.isKnown(node) && !isTypeParameterDeclaration(node));
  }

  /** The declarations of what a class or interface extends, or also implements. */
  basesOf(node: Node, only?: SyntaxKind): Node[] {
    if (!isClassDeclaration(node) && !isInterfaceDeclaration(node)) return [];
    const clauses = (node.heritageClauses ?? []).filter(({ token }) => only === undefined || token === only);
    return clauses.flatMap(({ types }) => types.flatMap((type) => this.declarationsOf(type)));
  }

  declarationsOf(base: ExpressionWithTypeArguments): Node[] {
    const name = this.#checker.getSymbolAtLocation(base.expression);
    return name === undefined ? [] : this.#nodesOf(this.#target(name));
  }

  /** Whether users know a declaration: from a door, or from the platform. */
  isKnown(node: Node): boolean {
    return this.#exported.has(node) || !this.isOurs(node);
  }

  /** The names of exported classes and interfaces that it extends. */
  exportedBases(node: Node): string[] {
    return this.basesOf(node, SyntaxKind.ExtendsKeyword).flatMap((base) => this.#exported.get(base) ?? []);
  }

  /** Whether a class extends Error. */
  isError(node: Node): boolean {
    return this.basesOf(node, SyntaxKind.ExtendsKeyword).some(
      (base) => (base as { name?: Node }).name?.getText() === "Error" || this.isError(base),
    );
  }

  /** The type of a property or a constant, as written, or as inferred. */
  typeOf(of: Node): string {
    const { name, type, parameters } = of as { name?: Node; type?: Node; parameters?: readonly { type?: Node }[] };
    const written = of.kind === SyntaxKind.SetAccessor ? parameters?.[0]?.type : type;
    if (written !== undefined) return written.getText();
    const inferred = name && this.#checker.getTypeAtLocation(name);
    return inferred === undefined ? "unknown" : this.#checker.typeToString(inferred);
  }

  /** Of a constant that can be called with `new`: what there stands. */
  constructorsOf(constant: Node): Node[] {
    const type = this.#checker.getTypeAtLocation(constant);
    const signatures = type === undefined ? [] : this.#checker.getSignaturesOfType(type, SignatureKind.Construct);
    return signatures.flatMap(({ declaration }) => declaration?.resolve(this.#project) ?? []);
  }

  /** Whether what a call or an accessor returns is to be awaited, or iterated with `for await`. */
  returnsWait(node: Node): boolean {
    const signature = this.#checker.getSignatureFromDeclaration(node);
    const type = signature && this.#checker.getReturnTypeOfSignature(signature);
    return type !== undefined && this.#isWait(type);
  }

  #isWait(type: Type): boolean {
    if (type.isUnionType()) return (type.getTypes() ?? []).some((part) => this.#isWait(part));
    // A queue can be iterated, but who gets one does not wait for it.
    if (this.#declarationsOfType(type).some((node) => this.#exported.has(node))) return false;
    const names = this.#checker.getPropertiesOfType(type).map(({ name }) => name);
    return names.some((name) => name === "then" || name.startsWith("__@asyncIterator"));
  }

  #declarationsOfType(type: Type): Node[] {
    const name = type.getSymbol();
    return name === undefined ? [] : this.#nodesOf(name);
  }

  /** Whether it stands in our source. */
  isOurs(node: Node): boolean {
    return node.getSourceFile().fileName.startsWith(this.#folder) && !node.getSourceFile().isDeclarationFile;
  }

  /** `file.ts:12`. */
  placeOf(node: Node): string {
    const { fileName, text } = node.getSourceFile();
    const line = text.slice(0, node.getStart()).split("\n").length;
    return `${relative(this.#folder, fileName)}:${line}`;
  }
}
