// People who sign in elsewhere: at another Postern, at node-oidc-provider, and at a SAML provider whose answer is a POST
// from another site. Run by tests/end-to-end (`in_browser`), with every party at a site of its own.

import { mkdir, rm } from "node:fs/promises";

import { withBrowser } from "./browser.js";
import { config } from "./config.js";
import * as journeys from "./federated-journeys.js";
import { Failed, passedSteps } from "./steps.js";

await rm(config.screenshots, { recursive: true, force: true });
await mkdir(config.screenshots, { recursive: true });
try {
  await withBrowser({}, journeys.atAnotherPostern);
  await withBrowser({}, journeys.linkedByTheirOwner);
  await withBrowser({}, journeys.turnedAway);
  await withBrowser({}, journeys.postedFromAnotherSite);
  await withBrowser({}, journeys.changesOfMind);
  console.log(`    ${passedSteps()} steps`);
} catch (error) {
  if (!(error instanceof Failed)) console.error(error);
  process.exitCode = 1;
}
