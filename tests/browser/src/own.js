// docs/write-an-authenticator.md, as a person goes on in the browser: sets the door code up, then signs in with it.

import { mkdir } from "node:fs/promises";

import { withBrowser } from "./browser.js";
import { config } from "./config.js";
import * as at from "./pages.js";
import { Failed, passedSteps, step } from "./steps.js";

const CODE = "120394";
/** How long the proxy may take to follow the host, in milliseconds. */
const TO_FOLLOW = 30_000;

/** Until the proxy has heard of it, the page is not there: a person loads it again. */
async function openWhenItIsThere(page, url) {
  const end = Date.now() + TO_FOLLOW;
  while ((await page.goto(url)).status() === 404) {
    if (Date.now() > end) throw new Error(`${url} is not there`);
    await page.waitForTimeout(200);
  }
}

async function setUp(page) {
  await step(page, "the door code is set on the person's own page", async () => {
    await openWhenItIsThere(page, `${config.identityProvider}/authenticationendpoint/factors`);
    await at.atSignInPage(page);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Your sign-in");
    await page.getByRole("button", { name: "Set up: PIN" }).click();
    await page.getByLabel("Your PIN").fill("12");
    await at.submit(page).click();
    await page.getByText("A PIN has 4 digits at least.").waitFor();
    await page.getByLabel("Your PIN").fill(CODE);
    await at.submit(page).click();
    await at.heading(page, "Your sign-in");
  });
}

async function signIn(page) {
  await step(page, "an application asks for the password, then for the door code", async () => {
    await at.openApplication(page, config.oidcApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "PIN");
    await page.getByLabel("Your PIN").fill("000000");
    await at.submit(page).click();
    await page.getByText("That is not your PIN.").waitFor();
    await page.getByLabel("Your PIN").fill(CODE);
    await at.submit(page).click();
    await at.heading(page, "Hello, Alice Example");
  });
}

await mkdir(config.screenshots, { recursive: true });
try {
  await withBrowser({}, process.argv[2] === "set-up" ? setUp : signIn);
  console.log(`    ${passedSteps()} steps`);
} catch (error) {
  if (!(error instanceof Failed)) console.error(error);
  process.exitCode = 1;
}
