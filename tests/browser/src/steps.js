// Steps in order; the first that fails ends the run.

import { saveFailure } from "./screenshots.js";

let passed = 0;

/** Runs one step and says how it went. */
export async function step(page, name, action) {
  try {
    await action();
    passed += 1;
    console.log(`    ok    ${name}`);
  } catch (error) {
    const picture = await saveFailure(page, name);
    const text = await page.locator("body").innerText().catch(() => "");
    console.error(`    FAIL  ${name}\n${error.stack ?? error}`);
    console.error(`    at ${page.url()}, picture ${picture}\n${text.replace(/^/gm, "    | ")}`);
    throw new Failed(name);
  }
}

/** Told already. */
export class Failed extends Error {}

export function passedSteps() {
  return passed;
}
