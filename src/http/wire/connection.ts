import type { Socket } from "node:net";
import { outside } from "../../core/index.ts";
import type { Route } from "./network.ts";
import { PassedOn } from "./passed-on.ts";
import { connectPatiently } from "./patient-connect.ts";
import type { ProxyServer } from "./proxy.ts";
import {
  type Connected,
  type Connecting,
  type Connector,
  type WireClient,
  type WireHandler,
  type WireRequest,
  makeClient,
} from "../undici.ts";
import { InterimHeads } from "./interim-heads.ts";

/** What uses a connection, one at a time. */
export interface ConnectionUser extends WireHandler {
  /** A connection is being opened for it, and time for that starts. */
  connecting(): void;
  /** The connection is open, and the request goes out. */
  connected(): void;
  /** Everything of the session ends. */
  sessionClosed(): void;
  /** Whether it is only held up by a response that nobody reads. */
  readonly isUnread: boolean;
}

/** Where connections go back to. */
export interface ConnectionOwner {
  /** An idle connection was closed, by the server or for being idle too long. */
  connectionIdled(connection: Connection): void;
  /** There are no descriptors left: what is idle is to make way. */
  descriptorsRanOut(): void;
}

/** Nobody sees it: undici wants to be told why it has to destroy something. A new one each time costs a stack. */
const noLongerWanted = new Error("the connection is no longer wanted");

/**
 * One connection to a host, for one request at a time.
 *
 *     idle ── send() ──> busy ── free() ──> idle
 *     any ── destroy() ──> destroyed
 *
 * It connects when it is first used, and anew where the socket was closed meanwhile.
 */
export class Connection<Host extends { readonly origin: string } = { readonly origin: string }> {
  readonly host: Host;
  readonly #client: WireClient;
  readonly #owner: ConnectionOwner;
  /** The proxy that passes requests on: it reads them, while of https it only passes bytes. */
  readonly #passedOnBy: ProxyServer | undefined;
  /** What goes on over it. */
  user: ConnectionUser | undefined = undefined;
  /** While it connects. undici does not stop that by itself. */
  #connecting: Connecting | undefined = undefined;
  #isConnected = false;
  /** Requests that the present socket has been used for. */
  uses = 0;
  /** Whether the present socket has last answered a HEAD: a body may come all the same, as some servers send one. */
  followsHead = false;
  #answersHead = false;
  /** What the present socket has failed with. undici takes a reset for the end of a body that has no other. */
  failure: Error | undefined = undefined;
  #interimHeads: InterimHeads | undefined = undefined;

  /** @param first - a socket to begin with, which is connected */
  constructor(host: Host, { connect, proxy }: Route, keepAliveMs: number, owner: ConnectionOwner, first?: Socket) {
    let given = first;
    this.host = host;
    this.#owner = owner;
    this.#passedOnBy = host.origin.startsWith("http:") ? proxy : undefined;
    const connectAndTell: Connector = (to, connected) => {
      this.user?.connecting();
      this.uses = 1;
      this.followsHead = false;
      this.failure = undefined;
      const take = given === undefined ? connect : handOver(given);
      given = undefined;
      const told: Connected = (error, open) => {
        this.#connecting = undefined;
        this.#isConnected = error === null;
        open?.once("error", (failure) => (this.failure = failure));
        this.#interimHeads = error === null ? new InterimHeads(open!) : undefined;
        if (error === null) this.user?.connected();
        connected(error, open);
      };
      const connecting = connectPatiently(take, to, told, () => {
        this.user?.connecting();
        this.#owner.descriptorsRanOut();
      });
      return (this.#connecting = connecting);
    };
    this.#client = makeClient(host.origin, connectAndTell, keepAliveMs);
    this.#client.on("disconnect", () => {
      this.#isConnected = false;
      if (this.user === undefined) this.#owner.connectionIdled(this);
    });
  }

  /** Sends a request. How it goes is told to `user`. */
  send(request: WireRequest, user: ConnectionUser): void {
    this.user = user;
    this.uses++;
    this.#interimHeads?.expect();
    this.#answersHead = request.method === "HEAD";
    const kept: WireRequest = this.#answersHead ? { ...request, reset: false } : request;
    const proxy = this.#passedOnBy;
    if (proxy === undefined) this.#dispatch(kept, user);
    else this.#dispatch(proxy.passedOn(this.host.origin, kept), new PassedOn(user, proxy.name));
  }

  #dispatch(request: WireRequest, handler: WireHandler): void {
    if (this.#isConnected) this.#client.dispatch(request, handler);
    // The socket outlives the task that needs it first, so it is opened outside of all tasks.
    else outside(() => this.#client.dispatch(request, handler));
  }

  /** The request and its response are through. */
  free(): void {
    this.user = undefined;
    this.followsHead = this.#answersHead;
  }

  /** Closes it at once, whatever goes on. Its user hears nothing more that matters. */
  destroy(closed: () => void): void {
    this.user = undefined;
    this.#connecting?.destroy();
    this.#client.destroy(noLongerWanted, closed);
  }
}

/** Connects to where `socket` is connected already. */
function handOver(socket: Socket): Connector {
  return (_to, connected) => {
    queueMicrotask(() => {
      if (socket.destroyed) connected(new Error("the connection was closed as soon as it was open"), null);
      else connected(null, socket);
    });
    return socket;
  };
}
