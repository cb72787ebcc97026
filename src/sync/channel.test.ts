import fc from "fast-check";
import { expect, test } from "vitest";
import { Channel, ChannelClosedError, cancelScope, moveOnAfter, now, sleep, taskGroup } from "../index.ts";
import { withVirtualTime } from "../testing/index.ts";

test("without a buffer a sender waits for its receiver", () =>
  withVirtualTime(async () => {
    const channel = new Channel<string>();
    await taskGroup(async (group) => {
      group.spawn(async () => {
        await channel.send("hello");
        expect(now()).toBe(10);
      });
      await sleep(10);
      expect(channel.statistics()).toEqual({ buffered: 0, sending: 1, receiving: 0, open: 1 });
      expect(await channel.receive()).toBe("hello");
    });
  }));

test("a buffer takes so many values without a receiver, and keeps their order", () =>
  withVirtualTime(async () => {
    const channel = new Channel<number>({ capacity: 2 });
    const received: number[] = [];
    await taskGroup(async (group) => {
      group.spawn(async () => {
        using mine = channel;
        for (const value of [1, 2, 3, 4]) await mine.send(value);
      });
      await sleep(1);
      expect(channel.statistics()).toMatchObject({ buffered: 2, sending: 1 });
      for await (const value of channel) received.push(value);
    });

    expect(received).toEqual([1, 2, 3, 4]);
  }));

test("it ends when the last handle is closed and all has been received", () =>
  withVirtualTime(async () => {
    const channel = new Channel<number>({ capacity: 9 });
    const other = channel.clone();
    await channel.send(1);
    channel.close();
    channel.close();
    await other.send(2);
    await expect(channel.send(3)).rejects.toThrow(ChannelClosedError);
    other.close();

    expect([await channel.receive(), await channel.receive()]).toEqual([1, 2]);
    await expect(other.receive()).rejects.toThrow("every handle was closed");
  }));

test("a closed handle cannot be cloned, so that a channel that has ended does not begin again", () => {
  const channel = new Channel<number>();
  channel.close();

  expect(() => channel.clone()).toThrow(ChannelClosedError);
  expect(channel.statistics().open).toBe(0);
});

test("closing the last handle turns waiting receivers away", () =>
  withVirtualTime(async () => {
    const channel = new Channel<number>();
    await taskGroup(async (group) => {
      group.spawn(() => expect(channel.receive()).rejects.toThrow(ChannelClosedError));
      await sleep(1);
      channel.close();
    });
  }));

test("a cancelled sender has not sent, and a cancelled receiver has taken nothing", () =>
  withVirtualTime(async () => {
    const channel = new Channel<string>();
    await moveOnAfter(5, () => channel.send("lost"));
    await moveOnAfter(5, () => channel.receive());
    await taskGroup(async (group) => {
      group.spawn(() => channel.send("kept"));
      expect(await channel.receive()).toBe("kept");
    });

    expect(channel.statistics()).toMatchObject({ sending: 0, receiving: 0 });
  }));

test("a value handed over before the cancellation is received", () =>
  withVirtualTime(async () => {
    const channel = new Channel<string>();
    let received: string | undefined;
    await cancelScope(async (scope) => {
      const receiving = channel.receive();
      await channel.send("in time");
      scope.cancel();
      received = await receiving;
    });

    expect(received).toBe("in time");
  }));

test("each value is received exactly once, whatever the capacity, producers, consumers and cancellations", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 5 })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: 1, max: 3 }),
      (capacity, producers, consumers) =>
        withVirtualTime(async () => {
          const channel = new Channel<string>({ capacity });
          const sent: string[] = [];
          const received: string[] = [];
          await taskGroup((group) => {
            for (const [index, [giveUpMs, count]] of producers.entries()) {
              group.spawn(async () => {
                using mine = channel.clone();
                await moveOnAfter(giveUpMs, async () => {
                  for (let number = 0; number < count; number++) {
                    await mine.send(`${index}.${number}`);
                    sent.push(`${index}.${number}`);
                  }
                });
              });
            }
            channel.close();
            for (let consumer = 0; consumer < consumers; consumer++) {
              group.spawn(async () => {
                for await (const value of channel) {
                  received.push(value);
                  await sleep(1);
                }
              });
            }
          });
          expect(received.toSorted()).toEqual(sent.toSorted());
        }),
    ),
    { numRuns: 300 },
  ));
