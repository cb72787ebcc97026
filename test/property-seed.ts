/**
 * Property tests draw the same values in each run, so that a failure is the fault of the change at hand. To look for
 * new counterexamples: `PROPERTY_SEED=$RANDOM npx vitest run`.
 */
import fc from "fast-check";

fc.configureGlobal({ seed: Number(process.env["PROPERTY_SEED"] ?? 20_261_121) });
