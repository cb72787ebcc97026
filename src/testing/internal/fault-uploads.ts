/** What a server may do while the body of the request is still on its way. */
import { makeFault } from "./fault-answers.ts";
import { endingFaults } from "./fault-endings.ts";
import type { Fault } from "./fault-script.ts";

/** Faults of reading the request. */
export interface UploadFaults {
  /** Does what `then` does without waiting for the body of the request, which is read meanwhile. */
  early(then: Fault): Fault;
  /**
   * Does what `then` does, by default nothing ever, and does not read the body of the request: what is larger than the
   * buffers on the way cannot be sent. Nor does the server hear of the client's end meanwhile.
   */
  unread(then?: Fault): Fault;
}

export const uploadFaults: UploadFaults = {
  early: (then) => makeFault(`early ${then.name}`, (wire) => then.play(wire), "meanwhile"),
  unread: (then = endingFaults.hang()) => makeFault(`unread, ${then.name}`, (wire) => then.play(wire), "never"),
};
