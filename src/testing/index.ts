/**
 * @module
 * Testing programs that wait: time that does not have to pass, every order of what happens at once, and cancellation
 * at every point.
 */
export { type CancelEverywhereOptions, type CancelSweep, cancelEverywhere } from "./cancel-everywhere.ts";
export { type CancelPoint, CancelSweepError, DeadlockError, ExploreError, LeakError } from "./errors.ts";
export { expectNoLeaks } from "./expect-no-leaks.ts";
export { type Exploration, type ExploreOptions, explore, replay } from "./explore.ts";
export { Sequencer } from "./sequencer.ts";
export { withVirtualTime } from "./virtual-time.ts";
export { waitUntilAllBlocked } from "./wait-until-all-blocked.ts";
