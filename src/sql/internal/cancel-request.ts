import { type Socket, connect } from "node:net";
import { connect as connectTls } from "node:tls";
import type { PostgresTls } from "../postgres.ts";

/** How the server of a connection can be told to stop what it does there. */
export interface CancelTarget {
  /** Of the very server that the connection is to: one name may stand for many. */
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  /** Of TLS where the connection has it. */
  readonly tls: PostgresTls | undefined;
  /** Whether TLS begins at once. */
  readonly isDirect: boolean;
  readonly processId: number;
  readonly secretKey: number;
}

const cancelCode = 80_877_102;
const tlsCode = 80_877_103;

/** A request to stop what is under way in a connection, over a socket of its own. */
export interface CancelRequest {
  /** Settles when its socket is closed: whatever it was to stop has been told. Never rejects. */
  readonly closed: Promise<void>;
  /** Gives it up. */
  destroy(): void;
}

/**
 * Asks the server to stop.
 *
 * The server closes the socket when it has signalled its process. Until then the signal may still come, and would stop
 * whatever runs there: so the connection is not used for anything else before that.
 */
export function sendCancelRequest(target: CancelTarget): CancelRequest {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = connect(target.address);
  let secure: Socket | undefined;
  socket.on("error", () => {});
  socket.on("close", () => resolve());
  const talk = (over: Socket): void => {
    over.on("error", () => {});
    over.on("data", () => {});
    over.on("end", () => over.end());
    over.write(numbers(cancelCode, target.processId, target.secretKey));
  };
  const secureAndTalk = (): void => {
    const name = target.isDirect ? { ALPNProtocols: ["postgresql"] } : {};
    secure = connectTls({ ...target.tls, ...name, socket });
    secure.on("error", () => socket.destroy());
    secure.once("secureConnect", () => talk(secure!));
  };
  socket.once("connect", () => {
    if (target.tls === undefined) talk(socket);
    else if (target.isDirect) secureAndTalk();
    else {
      socket.once("data", (answer) => (answer[0] === yes ? secureAndTalk() : socket.destroy()));
      socket.write(numbers(tlsCode));
    }
  });
  return { closed: promise, destroy: () => socket.destroy() };
}

const yes = "S".charCodeAt(0);

/** A message without a type: its length, and numbers. */
function numbers(...values: readonly number[]): Buffer {
  const message = Buffer.alloc(4 + values.length * 4);
  message.writeInt32BE(message.length, 0);
  for (const [index, value] of values.entries()) message.writeInt32BE(value, 4 + index * 4);
  return message;
}
