import { createHash, randomBytes } from "node:crypto";
import type { RequestName } from "../errors.ts";
import { WebSocketHandshakeError } from "../stream-errors.ts";
import type { WireHeaders } from "../undici.ts";
import { type Deflate, acceptDeflate, makeDeflate } from "../ws.ts";
import type { HeaderList } from "../request/request-headers.ts";

/** What the server is asked to agree on. */
export interface HandshakeOffer {
  readonly protocols: readonly string[];
  readonly compress: boolean;
  readonly maxMessageBytes: number;
}

/** What both sides have agreed on. */
export interface Agreement {
  /** One of those that were offered; empty if none. */
  readonly protocol: string;
  readonly deflate: Deflate | undefined;
}

/** Of RFC 6455. */
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** One offer to speak WebSocket, and what comes of it. */
export class Handshake {
  readonly #key = randomBytes(16).toString("base64");
  readonly #offer: HandshakeOffer;
  readonly #deflate: { readonly deflate: Deflate; readonly offer: string } | undefined;

  constructor(offer: HandshakeOffer) {
    this.#offer = offer;
    this.#deflate = offer.compress ? makeDeflate(offer.maxMessageBytes) : undefined;
  }

  get headers(): HeaderList {
    const headers = ["sec-websocket-version", "13", "sec-websocket-key", this.#key];
    const { protocols } = this.#offer;
    if (protocols.length > 0) headers.push("sec-websocket-protocol", protocols.join(", "));
    if (this.#deflate !== undefined) headers.push("sec-websocket-extensions", this.#deflate.offer);
    return headers;
  }

  /** @throws {WebSocketHandshakeError} the server speaks something else, or what was not offered */
  agree(request: RequestName, headers: WireHeaders): Agreement {
    const refuse = (why: string): never => {
      throw new WebSocketHandshakeError(request, 101, why);
    };
    if (textOf(headers, "upgrade").toLowerCase() !== "websocket") refuse("it goes on with another protocol");
    const accepted = createHash("sha1")
      .update(this.#key + guid)
      .digest("base64");
    if (textOf(headers, "sec-websocket-accept") !== accepted) refuse("its Sec-WebSocket-Accept is wrong");
    return { protocol: this.#protocolOf(headers, refuse), deflate: this.#deflateOf(headers, refuse) };
  }

  #protocolOf(headers: WireHeaders, refuse: (why: string) => never): string {
    const { protocols } = this.#offer;
    const chosen = textOf(headers, "sec-websocket-protocol");
    if (chosen === "" && protocols.length > 0) refuse(`it takes none of the protocols ${protocols.join(", ")}`);
    if (chosen !== "" && !protocols.includes(chosen)) refuse("it takes a protocol that was not offered");
    return chosen;
  }

  #deflateOf(headers: WireHeaders, refuse: (why: string) => never): Deflate | undefined {
    const chosen = textOf(headers, "sec-websocket-extensions");
    if (chosen === "") return undefined;
    if (this.#deflate === undefined) return refuse("it takes an extension, and none was offered");
    try {
      acceptDeflate(this.#deflate.deflate, chosen);
    } catch (error) {
      refuse(`its Sec-WebSocket-Extensions is wrong: ${(error as Error).message}`);
    }
    return this.#deflate.deflate;
  }
}

function textOf(headers: WireHeaders, name: string): string {
  return headers[name]?.toString().trim() ?? "";
}
