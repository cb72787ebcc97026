import { equal, throws } from "node:assert/strict";
import fc from "fast-check";
import { test } from "vitest";
import { Model, type Who, follow, remove, runs, schedules, who } from "../../test/sync/callers.ts";
import { Channel, ChannelClosedError } from "../index.ts";

type Step =
  | { readonly do: "send"; readonly who: Who; readonly handle: number }
  | { readonly do: "receive"; readonly who: Who }
  | { readonly do: "clone" | "close"; readonly handle: number };

const handle = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), who, handle }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("receive" as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("clone" as const), handle }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("close" as const), handle }) },
);

const closed = "CHANNEL_CLOSED";

class ChannelModel extends Model {
  readonly buffer: number[] = [];
  readonly senders: { id: number; value: number }[] = [];
  readonly receivers: { id: number }[] = [];
  /** Which handles are open. */
  readonly handles = [true];
  readonly capacity: number;

  constructor(capacity: number) {
    super();
    this.capacity = capacity;
  }

  get open(): number {
    return this.handles.filter(Boolean).length;
  }

  send(id: number, value: number, through: number): void {
    const receiver = this.handles[through] === true ? this.receivers.shift() : undefined;
    if (this.handles[through] !== true) this.outcomes.set(id, closed);
    else if (receiver !== undefined) {
      this.outcomes.set(receiver.id, value);
      this.outcomes.set(id, "done");
    } else {
      this.senders.push({ id, value });
      this.#fill();
    }
  }

  receive(id: number): void {
    if (this.buffer.length > 0 || this.senders.length > 0) {
      this.#fill(1);
      this.outcomes.set(id, this.buffer.shift());
    } else if (this.open === 0) this.outcomes.set(id, closed);
    else this.receivers.push({ id });
  }

  close(which: number): void {
    this.handles[which] = false;
    if (this.open === 0) for (const { id } of this.receivers.splice(0)) this.outcomes.set(id, closed);
  }

  withdraw(gone: ReadonlySet<number>): void {
    for (const queue of [this.senders, this.receivers]) remove(queue, gone);
  }

  statistics(): object {
    const { buffer, senders, receivers, open } = this;
    return { buffered: buffer.length, sending: senders.length, receiving: receivers.length, open };
  }

  /** Moves what senders hold into the buffer, as far as there is room, or will be when one is taken. */
  #fill(aboutToBeTaken = 0): void {
    while (this.senders.length > 0 && this.buffer.length < this.capacity + aboutToBeTaken) {
      const { id, value } = this.senders.shift()!;
      this.buffer.push(value);
      this.outcomes.set(id, "done");
    }
  }
}

test("each value that was sent is received once and in turn, until every handle was closed", () =>
  fc.assert(
    fc.asyncProperty(schedules(step, step), fc.constantFrom(0, 1, 3, Infinity), async (steps, capacity) => {
      const handles = [new Channel<number>({ capacity })];
      const model = new ChannelModel(capacity);
      let sent = 0;
      await follow<Step, ChannelModel>(steps, handles[0]!, model, (next, callers) => {
        switch (next.do) {
          case "send": {
            const value = ++sent;
            const through = next.handle % handles.length;
            callers.start(
              next.who,
              () => handles[through]!.send(value),
              (id) => model.send(id, value, through),
            );
            break;
          }
          case "receive":
            callers.start(
              next.who,
              () => handles.at(-1)!.receive(),
              (id) => model.receive(id),
            );
            break;
          case "clone": {
            const from = next.handle % handles.length;
            if (model.handles[from] === true) {
              handles.push(handles[from]!.clone());
              model.handles.push(true);
            } else throws(() => handles[from]!.clone(), ChannelClosedError);
            break;
          }
          case "close": {
            const which = next.handle % handles.length;
            handles[which]!.close();
            model.close(which);
            break;
          }
          default:
            next satisfies never;
        }
        equal(handles.length, model.handles.length);
      });
    }),
    runs,
  ));
