// The main job, as a person does it: sign in once, be signed in to both applications.

import { mkdir, rm } from "node:fs/promises";

import * as account from "./account.js";
import { withBrowser } from "./browser.js";
import { config } from "./config.js";
import * as journeys from "./journeys.js";
import { passkeys, passkeysWithoutScript } from "./passkeys.js";
import { Failed, passedSteps } from "./steps.js";

await rm(config.screenshots, { recursive: true, force: true });
await mkdir(config.screenshots, { recursive: true });
try {
  await withBrowser({}, journeys.oneSignInForBoth);
  await withBrowser({}, journeys.whatIsRefused);
  await withBrowser({}, journeys.consentAndSignOut);
  await withBrowser({ javaScriptEnabled: false }, journeys.withoutScript);
  await withBrowser({ locale: "de-DE" }, journeys.inGerman);
  await withBrowser({}, passkeys);
  await withBrowser({ javaScriptEnabled: false, locale: "de-DE" }, passkeysWithoutScript);
  await withBrowser({}, account.setsFactorsUp);
  await withBrowser({}, account.usesThem);
  await withBrowser({ javaScriptEnabled: false }, account.recovers);
  console.log(`    ${passedSteps()} steps`);
} catch (error) {
  if (!(error instanceof Failed)) console.error(error);
  process.exitCode = 1;
}
