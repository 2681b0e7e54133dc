// Three pictures of a page: at a desk, on a telephone, in the dark.

import { join } from "node:path";

import { config } from "./config.js";

const DESKTOP = { width: 1280, height: 800 };
const MOBILE = { width: 390, height: 844 };

let count = 0;

/** Saves the pictures and checks the page at each of them. */
export async function look(page, name, checks) {
  count += 1;
  const number = String(count).padStart(2, "0");
  const save = (view) =>
    page.screenshot({ path: join(config.screenshots, `${number}-${name}.${view}.png`), fullPage: true });

  // A person waits for the style sheet too.
  await page.waitForLoadState("load");
  await checks(page, `${name}, desktop`);
  await save("desktop");
  await page.setViewportSize(MOBILE);
  await checks(page, `${name}, mobile`);
  await save("mobile");
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ colorScheme: "dark" });
  await checks(page, `${name}, dark`);
  await save("dark");
  await page.emulateMedia({ colorScheme: "light" });
}

/** One picture of wherever it went wrong. */
export async function saveFailure(page, name) {
  const file = join(config.screenshots, `failure-${name.replace(/[^a-z0-9]+/gi, "-")}.png`);
  await page.screenshot({ path: file, fullPage: true }).catch(() => {});
  return file;
}
