import type { Socket } from "node:net";
import type { FlowControl, WireHeaders } from "../undici.ts";
import type { Connection } from "./connection.ts";
import type { AnswerKind } from "../attempts/conversation.ts";
import { Exchange } from "./exchange.ts";
import type { Host } from "./pool.ts";

/** What a server answers that was asked to go on with another protocol. */
export interface UpgradeAnswer {
  readonly status: number;
  readonly headers: WireHeaders;
  /** Undefined if it does not: then it has another status than 101. */
  readonly socket: Socket | undefined;
}

/** A request that ends with its headers, and leaves a connection that is no more one of HTTP. */
class UpgradeExchange extends Exchange<UpgradeAnswer> {
  /** Never one that was used before: it would be lost to the requests. */
  protected override takeConnection(): Connection<Host> {
    return this.transport.pool.takeForUpgrade(this.host);
  }

  onRequestUpgrade(_control: FlowControl, status: number, headers: WireHeaders, socket: Socket): void {
    if (this.state !== "sent") return void socket.destroy();
    this.status = status;
    this.detach();
    this.resolve({ status, headers, socket });
  }

  /** The server has answered instead. What it says besides is not asked for. */
  protected override headersCame(): void {
    const { status, headers } = this;
    this.abandon();
    this.resolve({ status, headers, socket: undefined });
  }

  override decoded(): void {}

  override decodedAll(): void {}

  protected override failed(error: unknown): void {
    this.reject(error);
  }
}

/** Requests for another protocol: that of the order's `upgrade`. */
export const upgrades: AnswerKind<UpgradeAnswer> = {
  make: (scope, transport, order) => new UpgradeExchange(scope, transport, order),
  headersOf: ({ headers }) => headers,
  drop: ({ socket }) => void socket?.destroy(),
  cameBy: (answer) => answer,
};
