import type { ClientRequest } from "node:http";
import type { Socket } from "node:net";
import type { Connected, Connecting, ConnectTo, Connector } from "../undici.ts";
import { codeOf } from "./explain.ts";
import { withoutBytes } from "./failure.ts";
import { ProxyFailure } from "./proxy-failure.ts";
import type { ProxyServer } from "./proxy.ts";

/** The connectors for the two ends of a tunnel. */
export interface Ends {
  /** To the proxy itself. */
  readonly proxy: Connector;
  /** To the host, over a connection that is there. */
  readonly host: Connector;
}

/**
 * Connects by way of a proxy.
 *
 *     to the proxy ── http ──────────────────────────────────> connected
 *          └── https ──> asking for a tunnel ──> TLS with the host ──^
 *          └── http, to be tunnelled ──> asking for a tunnel ────────^
 *
 * @param isTunnelled - whether http is not to be passed on by the proxy, but goes through a tunnel, too
 */
export function connectThrough(
  server: ProxyServer,
  ends: Ends,
  to: ConnectTo,
  isTunnelled: boolean,
  connected: Connected,
): Connecting {
  const isPlain = to.protocol === "http:";
  const fail = (message: string, status?: number, cause?: Error): void =>
    connected(new ProxyFailure(server.name, message, status, cause), null);
  let current = ends.proxy(server.to, (error, socket) => {
    if (error !== null) return fail("could not be reached", undefined, error);
    if (isPlain && !isTunnelled) return connected(null, socket);
    current = askForTunnel(server, to, socket!, fail, () => {
      if (isPlain) connected(null, socket);
      else current = ends.host({ ...to, httpSocket: socket! }, connected);
    });
  });
  return { destroy: () => current.destroy() };
}

/** As much of what a proxy says beside its status as is shown. */
const maxSaidLength = 100;

type Fail = (message: string, status?: number, cause?: Error) => void;

function askForTunnel(server: ProxyServer, to: ConnectTo, socket: Socket, fail: Fail, opened: () => void): Connecting {
  const host = to.hostname.includes(":") ? `[${to.hostname}]` : to.hostname;
  const defaultPort = to.protocol === "http:" ? "80" : "443";
  const authority = `${host}:${to.port === "" ? defaultPort : to.port}`;
  const request = openRequest(server, authority, socket);
  let isWanted = true;
  const settle = (how: () => void): void => {
    if (!isWanted) return;
    isWanted = false;
    how();
  };
  request.on("error", (error) => {
    const isHttp = codeOf(error)?.startsWith("HPE_") !== true;
    const what = isHttp ? "closed the connection before it had opened a tunnel" : "answered with what is no HTTP";
    settle(() => fail(what, undefined, withoutBytes(error)));
  });
  request.once("connect", ({ statusCode = 0, statusMessage = "" }, _socket, first: Buffer) => {
    const isOpen = statusCode >= 200 && statusCode < 300;
    if (!isOpen || !isWanted) socket.destroy();
    else if (first.length > 0) socket.unshift(first);
    const said = `${statusCode} ${statusMessage}`.slice(0, maxSaidLength).trim();
    settle(isOpen ? opened : () => fail(`refused a tunnel: ${said}`, statusCode));
  });
  request.end();
  return {
    destroy: () => {
      isWanted = false;
      socket.destroy();
    },
  };
}

/** Node's own client reads the answer: it takes care of all that a proxy may send. Loaded only where it is needed. */
function openRequest(server: ProxyServer, authority: string, socket: Socket): ClientRequest {
  const { request } = process.getBuiltinModule("node:http");
  const headers: string[] = ["host", authority, ...server.headers];
  return request({ method: "CONNECT", path: authority, headers, createConnection: () => socket });
}
