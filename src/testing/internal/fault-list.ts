import { type AnswerFaults, answerFaults } from "./fault-answers.ts";
import { type BodyFaults, bodyFaults } from "./fault-bodies.ts";
import { type EncodingFaults, encodingFaults } from "./fault-encodings.ts";
import { type EndingFaults, endingFaults } from "./fault-endings.ts";
import { type FramingFaults, framingFaults } from "./fault-framing.ts";
import { type HeadFaults, headFaults } from "./fault-heads.ts";
import { type Http2Faults, http2Faults } from "./fault-http2.ts";
import { type RedirectFaults, redirectFaults } from "./fault-redirects.ts";
import { type UploadFaults, uploadFaults } from "./fault-uploads.ts";

/** The faults that are ready to use: see {@link faults}. */
export interface Faults
  extends
    AnswerFaults,
    RedirectFaults,
    HeadFaults,
    FramingFaults,
    BodyFaults,
    EncodingFaults,
    EndingFaults,
    UploadFaults,
    Http2Faults {}

/**
 * What goes wrong with servers, by name. Each function makes a fault for the script of a fault server; many do so around
 * another fault, as `faults.delayed(50, faults.ok())`. For what is missing, write a {@link Fault} by hand.
 */
export const faults: Faults = Object.freeze({
  ...answerFaults,
  ...redirectFaults,
  ...headFaults,
  ...framingFaults,
  ...bodyFaults,
  ...encodingFaults,
  ...endingFaults,
  ...uploadFaults,
  ...http2Faults,
});
