// People who sign in elsewhere: at another Postern, at node-oidc-provider, and at a SAML provider whose answer is a POST
// from another site. Run by tests/end-to-end (`in_browser`), with every party at a site of its own.

import { withBrowser } from "./browser.js";
import * as journeys from "./federated-journeys.js";
import { run } from "./main-of.js";

await run(async () => {
  await withBrowser({}, journeys.atAnotherPostern);
  await withBrowser({}, journeys.linkedByTheirOwner);
  await withBrowser({}, journeys.turnedAway);
  await withBrowser({}, journeys.postedFromAnotherSite);
  await withBrowser({}, journeys.changesOfMind);
});
