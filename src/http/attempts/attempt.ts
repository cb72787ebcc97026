import { AsyncLocalStorage } from "node:async_hooks";
import { checkedScope, currentScope } from "../../core/index.ts";
import type { Auth } from "./auth.ts";
import type { Answer, AnswerKind } from "./conversation.ts";
import { withCookies } from "./cookies.ts";
import { type Order, hrefOf } from "../wire/order.ts";
import { type HookRequest, type HttpHooks, headerList, hookRequest } from "./hooks.ts";
import { propagate } from "./propagation.ts";
import { type HeaderList, hasHeader, mergeHeaders } from "../request/request-headers.ts";
import type { Rules } from "./rules.ts";
import type { Transport } from "../wire/transport.ts";
import { Upload } from "../request/upload.ts";
import { webHeaders } from "./web-headers.ts";

/** One attempt at a request: what it goes out with, and who is told. */
export class Attempt<A extends Answer> {
  readonly #order: Order;
  readonly #rules: Rules;
  readonly #number: number;
  /** What the user's code has thrown: that is not a failure of the request, and nothing to try again for. */
  thrown: { readonly error: unknown } | undefined = undefined;
  #hookRequest: HookRequest | undefined = undefined;

  constructor(order: Order, rules: Rules, number: number) {
    this.#order = order;
    this.#rules = rules;
    this.#number = number;
  }

  /**
   * @param auth - undefined where the request has gone to another origin
   * @param wasRefused - whether the server wants other credentials than it got
   */
  async send(transport: Transport, kind: AnswerKind<A>, auth: Auth | undefined, wasRefused: boolean): Promise<A> {
    let answer: A;
    try {
      answer = await this.#answer(transport, kind, auth, wasRefused);
    } catch (error) {
      await this.#tellFailure(error);
      throw error;
    }
    this.#rules.cookies?.takeAll(kind.headersOf(answer)["set-cookie"], hrefOf(this.#order));
    try {
      await this.#told(this.#rules.hooks?.afterResponse, kind, answer);
    } catch (error) {
      kind.drop(answer);
      throw error;
    }
    return answer;
  }

  async #answer(transport: Transport, kind: AnswerKind<A>, auth: Auth | undefined, wasRefused: boolean): Promise<A> {
    const { body } = this.#order.wire;
    using cleanup = new DisposableStack();
    if (body instanceof Upload) cleanup.defer(() => body.close());
    const order = await this.#authorized(auth, wasRefused);
    const inContext = AsyncLocalStorage.snapshot();
    const prepare = (): HeaderList | Promise<HeaderList> => inContext(() => this.#measured(order));
    const answer = transport.send(checkedScope(), { ...order, prepare }, kind.make);
    // From here on the transport closes the body.
    cleanup.move();
    return answer;
  }

  async #authorized(auth: Auth | undefined, wasRefused: boolean): Promise<Order> {
    const { wire } = this.#order;
    const headers = wire.headers;
    if (auth === undefined || hasHeader(headers, "authorization")) return this.#order;
    const request = { method: wire.method, url: hrefOf(this.#order), wasRefused };
    const value = await this.#callUser(() => auth.authorize(request));
    if (value === undefined) return this.#order;
    return { ...this.#order, wire: { ...wire, headers: mergeHeaders(headers, { authorization: value }) } };
  }

  #measured(order: Order): HeaderList | Promise<HeaderList> {
    if (order.prepare === undefined) return this.#prepare(order);
    const withHeaders = (headers: HeaderList): Order => ({ ...order, wire: { ...order.wire, headers } });
    return Promise.resolve(order.prepare(order.wire)).then((headers) => this.#prepare(withHeaders(headers)));
  }

  #prepare(order: Order): HeaderList | Promise<HeaderList> {
    const { propagation, cookies, hooks } = this.#rules;
    let headers = propagation === undefined ? order.wire.headers : propagate(order, propagation);
    if (cookies !== undefined) headers = withCookies(headers, cookies, hrefOf(order));
    if (hooks === undefined) return headers;
    const request = hookRequest(order, headers, this.#number);
    this.#hookRequest = request;
    return hooks.beforeRequest === undefined ? headers : this.#signed(hooks.beforeRequest, request);
  }

  async #signed(sign: NonNullable<HttpHooks["beforeRequest"]>, request: HookRequest): Promise<HeaderList> {
    await this.#callUser(() => sign(request));
    return headerList(request.headers);
  }

  async #told(tell: HttpHooks["afterResponse"], kind: AnswerKind<A>, answer: A): Promise<void> {
    if (tell === undefined) return;
    const response = Object.freeze({ status: answer.status, headers: webHeaders(kind.headersOf(answer)) });
    await this.#callUser(() => tell(response, this.#hookRequest!));
  }

  async #tellFailure(error: unknown): Promise<void> {
    const tell = this.#rules.hooks?.afterFailure;
    if (tell === undefined || this.thrown?.error === error || currentScope().stop !== undefined) return;
    // In line, nobody has seen it yet.
    const request = (this.#hookRequest ??= hookRequest(this.#order, this.#order.wire.headers, this.#number));
    await this.#callUser(() => tell(error, request));
  }

  async #callUser<T>(call: () => T | PromiseLike<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      this.thrown = { error };
      throw error;
    }
  }
}
