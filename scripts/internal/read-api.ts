/** Reads the public API from the source, through the compiler: names and types as it resolves them, texts as written. */
import {
  type ClassDeclaration,
  type InterfaceDeclaration,
  type Node,
  SyntaxKind,
  isClassDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isVariableDeclaration,
} from "typescript/unstable/ast";
import { API } from "typescript/unstable/sync";
import type { Api, ApiExport, ApiMember, ExportKind } from "./api-model.ts";
import type { DocComment } from "./doc-comment.ts";
import type { Door } from "./doors.ts";
import { Program } from "./program.ts";
import {
  type MemberNode,
  callOf,
  docOf,
  has,
  isPublic,
  membersIn,
  moduleDocOf,
  nameOf,
  nameWithTypeParameters,
  textFrom,
  withoutImplementations,
} from "./syntax.ts";
import { typeNamesIn } from "./type-names.ts";

/** One for the process, which ends it: closing it earlier has it complain on standard error. */
let compiler: API | undefined;

/** Reads what all doors export. `config` is the tsconfig.json that their sources belong to. */
export function readApi(folder: string, config: string, doors: readonly Door[]): Api[] {
  compiler ??= new API();
  using snapshot = compiler.updateSnapshot({ openProjects: [config] });
  const project = snapshot.getProject(config);
  if (project === undefined) throw new Error(`${config} is no project`);
  const reader = new ApiReader(new Program(project, folder, doors));
  return doors.map((door) => reader.read(door));
}

class ApiReader {
  readonly #program: Program;

  constructor(program: Program) {
    this.#program = program;
  }

  read(door: Door): Api {
    const exports = [...this.#program.exportsOf(door)].map(([name, nodes]) => this.#describe(name, nodes));
    return { door, doc: moduleDocOf(this.#program.sourceOf(door).statements[0]!), exports };
  }

  #describe(name: string, nodes: readonly Node[]): ApiExport {
    const item = this.#read(name, nodes);
    return { ...item, unnamed: typeNamesIn(item).filter((word) => this.#program.isUnnamed(word, nodes[0]!)) };
  }

  #read(name: string, nodes: readonly Node[]): Omit<ApiExport, "unnamed"> {
    const node = nodes.find((each) => !isVariableDeclaration(each)) ?? nodes[0]!;
    const common = {
      name,
      place: this.#program.placeOf(node),
      doc: docOf(node),
      bases: this.#program.exportedBases(node),
    };
    if (!isClassDeclaration(node) && !isInterfaceDeclaration(node)) {
      return { ...common, ...this.#describeOther(node, nodes), members: [] };
    }
    const isError = isClassDeclaration(node) && this.#program.isError(node);
    const constructors = this.#constructorsOf(nodes.find(isVariableDeclaration));
    const members = [...constructors, ...this.#membersOf(node, isError)];
    const isClass = isClassDeclaration(node) || constructors.length > 0;
    const kind: ExportKind = isError ? "error" : isClass ? "class" : "type";
    return { ...common, kind, signature: this.#headOf(node), members, waits: false };
  }

  /** Of a class that is an interface and a constant of the same name: its `new (...)`. */
  #constructorsOf(constant: Node | undefined): ApiMember[] {
    const nodes = constant === undefined ? [] : this.#program.constructorsOf(constant);
    return nodes.map((node) => {
      const found = {
        name: "constructor",
        kind: "constructor",
        doc: docOf(node),
        place: this.#program.placeOf(node),
      } as const;
      return { ...found, signature: callOf(node), type: "", isOptional: false, waits: false };
    });
  }

  #describeOther(node: Node, nodes: readonly Node[]): Pick<ApiExport, "kind" | "signature" | "waits"> {
    if (isVariableDeclaration(node)) {
      const signature = `const ${node.name.getText()}: ${this.#program.typeOf(node)};`;
      return { kind: "constant", signature, waits: false };
    }
    if (!isFunctionDeclaration(node)) return { kind: "type", signature: textFrom(node, node.getStart()), waits: false };
    const withoutBody = nodes.filter((each) => (each as { body?: Node }).body === undefined);
    const overloads = withoutBody.length > 0 ? withoutBody : nodes;
    const signature = overloads.map((each) => `function ${callOf(each)};`).join("\n");
    return { kind: "function", signature, waits: overloads.some((each) => this.#program.returnsWait(each)) };
  }

  /** The members of a class or interface, and those of bases that users do not know. */
  #membersOf(node: Node, isError: boolean): ApiMember[] {
    const members = new Map<string, ApiMember>();
    for (const base of this.#program.basesOf(node, SyntaxKind.ExtendsKeyword)) {
      if (this.#program.isKnown(base)) continue;
      for (const member of this.#membersOf(base, isError)) members.set(member.name, member);
    }
    const own = new Map<string, ApiMember>();
    for (const member of withoutImplementations(membersIn(node))) {
      const name = nameOf(member);
      if (!isPublic(member) || (isError && this.#isOfEveryError(member, name))) continue;
      own.set(name, merge(own.get(name), this.#describeMember(node, member, name)));
    }
    for (const [name, member] of own) members.set(name, member);
    return [...members.values()];
  }

  #describeMember(owner: Node, member: MemberNode, name: string): ApiMember {
    const common = {
      name,
      place: this.#program.placeOf(member),
      doc: docOf(member) ?? this.#inheritedDoc(owner, name),
    };
    const isOptional = (member as { postfixToken?: Node }).postfixToken?.kind === SyntaxKind.QuestionToken;
    switch (member.kind) {
      case SyntaxKind.Constructor:
        return { ...common, kind: "constructor", signature: callOf(member), type: "", isOptional, waits: false };
      case SyntaxKind.MethodDeclaration:
      case SyntaxKind.MethodSignature: {
        const waits = this.#program.returnsWait(member);
        return { ...common, kind: "method", signature: callOf(member), type: "", isOptional, waits };
      }
      default: {
        const type = this.#program.typeOf(member);
        const isFixed = member.kind === SyntaxKind.GetAccessor || has(member, SyntaxKind.ReadonlyKeyword);
        const signature = `${isFixed ? "readonly " : ""}${name}${isOptional ? "?" : ""}: ${type}`;
        const waits = member.kind === SyntaxKind.GetAccessor && this.#program.returnsWait(member);
        return { ...common, kind: "property", signature, type, isOptional, waits };
      }
    }
  }

  #inheritedDoc(owner: Node, name: string): DocComment | undefined {
    for (const base of this.#program.basesOf(owner)) {
      if (!this.#program.isOurs(base)) continue;
      const member = membersIn(base).find((each) => nameOf(each) === name);
      const doc = (member && docOf(member)) ?? this.#inheritedDoc(base, name);
      if (doc !== undefined) return doc;
    }
    return undefined;
  }

  /** What stands before `{`, without bases that users do not know. */
  #headOf(node: ClassDeclaration | InterfaceDeclaration): string {
    const clauses = (node.heritageClauses ?? []).flatMap(({ token, types }) => {
      const known = types.filter((type) =>
        this.#program.declarationsOf(type).every((base) => this.#program.isKnown(base)),
      );
      const keyword = token === SyntaxKind.ExtendsKeyword ? "extends" : "implements";
      return known.length === 0 ? [] : [`${keyword} ${known.map((type) => type.getText()).join(", ")}`];
    });
    return [nameWithTypeParameters(node), ...clauses].join(" ");
  }

  /** Constructors of errors are for us alone, and a name and a brand they all have. */
  #isOfEveryError(member: MemberNode, name: string): boolean {
    return member.kind === SyntaxKind.Constructor || ["name", "brand"].includes(name);
  }
}

/** Makes one of overloads, and of the two halves of an accessor. */
function merge(before: ApiMember | undefined, member: ApiMember): ApiMember {
  if (before === undefined) return member;
  const doc = before.doc ?? member.doc;
  if (member.kind !== "property") return { ...before, doc, signature: `${before.signature};\n${member.signature}` };
  return { ...before, doc, signature: member.signature.startsWith("readonly ") ? before.signature : member.signature };
}
