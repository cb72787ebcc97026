import { asking } from "./fetch-flags/asking.ts";
import { connecting } from "./fetch-flags/connecting.ts";
import { pacing } from "./fetch-flags/pacing.ts";
import { reading } from "./fetch-flags/reading.ts";
import { results } from "./fetch-flags/results.ts";
import { showing } from "./fetch-flags/showing.ts";
import type { Flags } from "./flags.ts";

/**
 * The flags of `taskwright fetch`, grouped as the help shows them: each group is a table in `fetch-flags/`. Where curl
 * has a flag, it means the same. Help, completions and the reference in docs/fetch.md are made of these tables.
 */
export const fetchFlagGroups: Readonly<Record<string, Flags>> = {
  "Where requests come from": reading,
  "What to ask": asking,
  "Who asks, and on which way": connecting,
  "How fast, and how patiently": pacing,
  "What comes out": results,
  "What is shown": showing,
};

/** The flags of `taskwright fetch`, by name. */
export const fetchFlags: Flags = Object.assign({}, ...Object.values(fetchFlagGroups)) as Flags;
