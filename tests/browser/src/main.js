// The main job, as a person does it: sign in once, be signed in to both applications.

import * as account from "./account.js";
import { withBrowser } from "./browser.js";
import * as journeys from "./journeys.js";
import { run } from "./main-of.js";
import { passkeys, passkeysWithoutScript } from "./passkeys.js";

await run(async () => {
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
});
