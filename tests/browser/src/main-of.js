// What every run has around its journeys.

import { mkdir, rm } from "node:fs/promises";

import { config } from "./config.js";
import { Failed, passedSteps } from "./steps.js";

/** Runs them, and says how many steps there were; the process fails when one did. */
export async function run(journeys) {
  await rm(config.screenshots, { recursive: true, force: true });
  await mkdir(config.screenshots, { recursive: true });
  try {
    await journeys();
    console.log(`    ${passedSteps()} steps`);
  } catch (error) {
    if (!(error instanceof Failed)) console.error(error);
    process.exitCode = 1;
  }
}
