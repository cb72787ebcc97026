/** How much may fail before a batch is stopped: a number of requests, or a part of them, from 0 to 1. */
export type FailureLimit =
  | { readonly kind: "count"; readonly most: number }
  | { readonly kind: "share"; readonly most: number };

/** Of fewer outcomes a part says nothing. */
const enoughToJudge = 100;

/** Whether more has failed than may. */
export function isExceeded(limit: FailureLimit, failed: number, done: number): boolean {
  switch (limit.kind) {
    case "count":
      return failed > limit.most;
    case "share":
      return done >= enoughToJudge && failed > limit.most * done;
    default:
      return limit satisfies never;
  }
}
