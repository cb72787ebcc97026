/** Reads the public API from the source, through the compiler: names and types as it resolves them, texts as written. */
import { relative } from "node:path";
import {
  type Node,
  SyntaxKind,
  type VariableDeclaration,
  isClassDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isVariableDeclaration,
} from "typescript/unstable/ast";
import {
  API,
  type Checker,
  type Project,
  SignatureKind,
  SymbolFlags,
  type Symbol as Name,
  type Type,
} from "typescript/unstable/sync";
import type { Api, ApiExport, ApiMember, ExportKind } from "./api-model.ts";
import type { DocComment } from "./doc-comment.ts";
import type { Door } from "./doors.ts";
import {
  type MemberNode,
  callOf,
  docOf,
  has,
  headOf,
  isPublic,
  membersIn,
  moduleDocOf,
  nameOf,
  textFrom,
} from "./syntax.ts";

/** One for the process, which ends it: closing it earlier has it complain on standard error. */
let compiler: API | undefined;

/** Reads what all doors export. `config` is the tsconfig.json that their sources belong to. */
export function readApi(folder: string, config: string, doors: readonly Door[]): Api[] {
  compiler ??= new API();
  using snapshot = compiler.updateSnapshot({ openProjects: [config] });
  const project = snapshot.getProject(config);
  if (project === undefined) throw new Error(`${config} is no project`);
  return new ApiReader(project, folder).read(doors);
}

class ApiReader {
  readonly #project: Project;
  readonly #checker: Checker;
  readonly #folder: string;
  /** Names by which users know declarations: those of any door. */
  readonly #exported = new Map<Node, string>();

  constructor(project: Project, folder: string) {
    this.#project = project;
    this.#checker = project.checker;
    this.#folder = folder;
  }

  read(doors: readonly Door[]): Api[] {
    const found = doors.map((door) => ({ door, declarations: this.#exportsOf(door) }));
    for (const { declarations } of found) {
      for (const [name, nodes] of declarations) for (const node of nodes) this.#exported.set(node, name);
    }
    return found.map(({ door, declarations }) => ({
      door,
      doc: moduleDocOf(this.#sourceOf(door).statements[0]!),
      exports: [...declarations].map(([name, nodes]) => this.#describe(name, nodes)),
    }));
  }

  #sourceOf(door: Door): ReturnType<Project["program"]["getSourceFile"]> & {} {
    const source = this.#project.program.getSourceFile(door.source);
    if (source === undefined) throw new Error(`${door.source} is not in the project`);
    return source;
  }

  /** The declarations behind each name that the door exports, less what is hidden. In alphabetical order. */
  #exportsOf(door: Door): Map<string, Node[]> {
    const module = this.#checker.getSymbolAtLocation(this.#sourceOf(door));
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

  #describe(name: string, nodes: readonly Node[]): ApiExport {
    const node = nodes.find((each) => !isVariableDeclaration(each)) ?? nodes[0]!;
    const common = { name, place: this.#placeOf(node), doc: docOf(node), bases: this.#exportedBases(node) };
    if (!isClassDeclaration(node) && !isInterfaceDeclaration(node)) {
      return { ...common, ...this.#describeOther(node, nodes), members: [] };
    }
    const isError = isClassDeclaration(node) && this.#isError(node);
    const constructors = this.#constructorsOf(nodes.find(isVariableDeclaration));
    const members = [...constructors, ...this.#membersOf(node, isError)];
    const isClass = isClassDeclaration(node) || constructors.length > 0;
    const kind: ExportKind = isError ? "error" : isClass ? "class" : "type";
    return { ...common, kind, signature: headOf(node), members, waits: false };
  }

  /** Of a class that is an interface and a constant of the same name: its `new (...)`. */
  #constructorsOf(variable: VariableDeclaration | undefined): ApiMember[] {
    const type = variable && this.#checker.getTypeAtLocation(variable);
    const signatures = type === undefined ? [] : this.#checker.getSignaturesOfType(type, SignatureKind.Construct);
    return signatures.flatMap(({ declaration }): ApiMember[] => {
      const node = declaration?.resolve(this.#project);
      if (node === undefined) return [];
      const common = {
        name: "constructor",
        kind: "constructor",
        doc: docOf(node),
        place: this.#placeOf(node),
      } as const;
      return [{ ...common, signature: callOf(node), type: "", isOptional: false, waits: false }];
    });
  }

  #describeOther(node: Node, nodes: readonly Node[]): Pick<ApiExport, "kind" | "signature" | "waits"> {
    if (isVariableDeclaration(node)) {
      const type = this.#checker.getTypeAtLocation(node);
      const text = node.type?.getText() ?? (type && this.#checker.typeToString(type));
      return { kind: "constant", signature: `const ${node.name.getText()}: ${text};`, waits: false };
    }
    if (!isFunctionDeclaration(node)) return { kind: "type", signature: textFrom(node, node.getStart()), waits: false };
    const withoutBody = nodes.filter((each) => (each as { body?: Node }).body === undefined);
    const overloads = withoutBody.length > 0 ? withoutBody : nodes;
    const signature = overloads.map((each) => `function ${callOf(each)};`).join("\n");
    return { kind: "function", signature, waits: overloads.some((each) => this.#returnsWait(each)) };
  }

  /** The members of a class or interface, and those of bases that users do not know. */
  #membersOf(node: Node, isError: boolean): ApiMember[] {
    const members = new Map<string, ApiMember>();
    for (const base of this.#basesOf(node, SyntaxKind.ExtendsKeyword)) {
      if (this.#exported.has(base) || !this.#isOurs(base)) continue;
      for (const member of this.#membersOf(base, isError)) members.set(member.name, member);
    }
    for (const member of membersIn(node)) {
      const name = nameOf(member);
      if (!isPublic(member) || (isError && this.#isOfEveryError(member, name))) continue;
      const described = this.#describeMember(node, member, name);
      members.set(name, merge(members.get(name), described));
    }
    return [...members.values()];
  }

  #describeMember(owner: Node, member: MemberNode, name: string): ApiMember {
    const common = { name, place: this.#placeOf(member), doc: docOf(member) ?? this.#inheritedDoc(owner, name) };
    const isOptional = (member as { postfixToken?: Node }).postfixToken?.kind === SyntaxKind.QuestionToken;
    switch (member.kind) {
      case SyntaxKind.Constructor:
        return { ...common, kind: "constructor", signature: callOf(member), type: "", isOptional, waits: false };
      case SyntaxKind.MethodDeclaration:
      case SyntaxKind.MethodSignature: {
        const waits = this.#returnsWait(member);
        return { ...common, kind: "method", signature: callOf(member), type: "", isOptional, waits };
      }
      default: {
        const type = this.#typeOf(member);
        const isFixed = member.kind === SyntaxKind.GetAccessor || has(member, SyntaxKind.ReadonlyKeyword);
        const signature = `${isFixed ? "readonly " : ""}${name}${isOptional ? "?" : ""}: ${type}`;
        const waits = member.kind === SyntaxKind.GetAccessor && this.#returnsWait(member);
        return { ...common, kind: "property", signature, type, isOptional, waits };
      }
    }
  }

  /** As written, or as inferred. */
  #typeOf(member: MemberNode): string {
    if (member.kind === SyntaxKind.SetAccessor) {
      const [value] = (member as unknown as { parameters: readonly { type?: Node }[] }).parameters;
      return value?.type?.getText() ?? "unknown";
    }
    if (member.type !== undefined) return member.type.getText();
    const name = this.#checker.getSymbolAtLocation((member as unknown as { name: Node }).name);
    const type = name && this.#checker.getTypeOfSymbol(name);
    return type === undefined ? "unknown" : this.#checker.typeToString(type);
  }

  /** Whether what a call or an accessor returns is to be awaited, or iterated with `for await`. */
  #returnsWait(node: Node): boolean {
    const signature = this.#checker.getSignatureFromDeclaration(node);
    const type = signature && this.#checker.getReturnTypeOfSignature(signature);
    return type !== undefined && this.#isWait(type);
  }

  #isWait(type: Type): boolean {
    if (type.isUnionType()) return (type.getTypes() ?? []).some((part) => this.#isWait(part));
    // A queue can be iterated, but who gets one does not wait for it.
    if (this.#nodesOfType(type).some((node) => this.#exported.has(node))) return false;
    const names = this.#checker.getPropertiesOfType(type).map(({ name }) => name);
    return names.some((name) => name === "then" || name.startsWith("__@asyncIterator"));
  }

  #nodesOfType(type: Type): Node[] {
    const name = type.getSymbol();
    return name === undefined ? [] : this.#nodesOf(name);
  }

  #inheritedDoc(owner: Node, name: string): DocComment | undefined {
    for (const base of this.#basesOf(owner)) {
      if (!this.#isOurs(base)) continue;
      const member = membersIn(base).find((each) => nameOf(each) === name);
      const doc = (member && docOf(member)) ?? this.#inheritedDoc(base, name);
      if (doc !== undefined) return doc;
    }
    return undefined;
  }

  /** The declarations of what a class or interface extends, or also implements. */
  #basesOf(node: Node, only?: SyntaxKind): Node[] {
    if (!isClassDeclaration(node) && !isInterfaceDeclaration(node)) return [];
    const clauses = (node.heritageClauses ?? []).filter(({ token }) => only === undefined || token === only);
    return clauses.flatMap(({ types }) =>
      types.flatMap((type) => {
        const name = this.#checker.getSymbolAtLocation(type.expression);
        return name === undefined ? [] : this.#nodesOf(this.#target(name));
      }),
    );
  }

  #exportedBases(node: Node): string[] {
    return this.#basesOf(node, SyntaxKind.ExtendsKeyword).flatMap((base) => this.#exported.get(base) ?? []);
  }

  #isError(node: Node): boolean {
    return this.#basesOf(node, SyntaxKind.ExtendsKeyword).some(
      (base) => (base as { name?: Node }).name?.getText() === "Error" || this.#isError(base),
    );
  }

  /** Constructors of errors are for us alone, and a name and a brand they all have. */
  #isOfEveryError(member: MemberNode, name: string): boolean {
    return member.kind === SyntaxKind.Constructor || ["name", "brand"].includes(name);
  }

  #isOurs(node: Node): boolean {
    return node.getSourceFile().fileName.startsWith(this.#folder) && !node.getSourceFile().isDeclarationFile;
  }

  #placeOf(node: Node): string {
    const { fileName, text } = node.getSourceFile();
    const line = text.slice(0, node.getStart()).split("\n").length;
    return `${relative(this.#folder, fileName)}:${line}`;
  }
}

/** Makes one of overloads, and of the two halves of an accessor. */
function merge(before: ApiMember | undefined, member: ApiMember): ApiMember {
  if (before === undefined) return member;
  if (member.kind === "method") return member;
  const signature = member.signature.startsWith("readonly ") ? before.signature : member.signature;
  return { ...before, signature, doc: before.doc ?? member.doc };
}
