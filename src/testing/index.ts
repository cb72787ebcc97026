/**
 * @module
 * Testing programs that wait: time that does not have to pass.
 */
export { withVirtualTime } from "./virtual-time.ts";
