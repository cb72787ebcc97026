import { ok } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { type Permit, ReadWriteLock } from "../index.ts";

type Kind = "read" | "write";
type Step = { readonly do: Kind; readonly who: Who } | { readonly do: "release"; readonly pick: number };

const release = fc.record({ do: fc.constant("release" as const), pick: fc.nat() });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("write" as const), who }) },
  { weight: 3, arbitrary: release },
);

class ReadWriteModel extends Model {
  readers = 0;
  isWriting = false;
  readonly waiting: { id: number; kind: Kind }[] = [];

  acquire(id: number, kind: Kind): void {
    this.waiting.push({ id, kind });
    this.letIn();
  }

  release(kind: Kind): void {
    if (kind === "write") this.isWriting = false;
    else this.readers--;
    this.letIn();
  }

  letIn(): void {
    for (let first = this.waiting[0]; first !== undefined; first = this.waiting[0]) {
      if (this.isWriting || (first.kind === "write" && this.readers > 0)) return;
      if (first.kind === "write") this.isWriting = true;
      else this.readers++;
      this.outcomes.set(first.id, first.kind);
      this.waiting.shift();
    }
  }

  withdraw(gone: ReadonlySet<number>): void {
    remove(this.waiting, gone);
    this.letIn();
  }

  statistics(): object {
    return { readers: this.readers, isWriting: this.isWriting, waiting: this.waiting.length };
  }
}

test("never a writer with anybody, first come first served, and who is cancelled holds nobody up", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, release), async (steps) => {
      const lock = new ReadWriteLock();
      const model = new ReadWriteModel();
      const inside: { kind: Kind; permit: Permit }[] = [];
      await follow<Step, ReadWriteModel>(
        steps,
        lock,
        model,
        (next, callers) => {
          switch (next.do) {
            case "read":
            case "write": {
              const kind = next.do;
              const enter = async (): Promise<Kind> => {
                inside.push({ kind, permit: await (kind === "read" ? lock.acquireRead() : lock.acquireWrite()) });
                ok(inside.length === 1 || inside.every((other) => other.kind === "read"));
                return kind;
              };
              callers.start(next.who, enter, (id) => model.acquire(id, kind));
              break;
            }
            case "release": {
              const [left] = inside.splice(next.pick % Math.max(1, inside.length), 1);
              left?.permit.release();
              if (left !== undefined) model.release(left.kind);
              break;
            }
            default:
              next satisfies never;
          }
        },
        {
          tidyUp: () => {
            for (const { permit } of inside) permit.release();
          },
        },
      );
    }),
    runs,
  ));
