// Whoever is signed in to the network is signed in by the browser's ticket. Run by tests/end-to-end (`in_browser`) with a
// ticket in the environment.

import assert from "node:assert/strict";

import { accessible, focusOrder } from "./accessibility.js";
import { withBrowser } from "./browser.js";
import { config } from "./config.js";
import { run } from "./main-of.js";
import * as at from "./pages.js";
import { look } from "./screenshots.js";
import { step } from "./steps.js";

const WITHOUT = { env: { ...process.env, KRB5CCNAME: "FILE:/nonexistent" } };

await run(async () => {
  await withBrowser({}, withATicket);
  await withBrowser(WITHOUT, withoutOne);
  await withBrowser({ ...WITHOUT, javaScriptEnabled: false }, withoutScript);
});

async function withATicket(page, context) {
  await step(page, "Chromium loads the library when the first host asks, and has no ticket for it yet", async () => {
    // Its network service has a sandbox until then: with a new profile the first one is asked for a password.
    await page.goto(config.oidcApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
  });
  await step(page, "a ticket signs in without any page", async () => {
    const tokens = negotiated(context);
    await page.goto(config.oidcApp);
    const shown = await at.pagesOfIdentityProvider(page, async () => {
      await at.clickSignIn(page);
      await at.heading(page, "Hello, carol");
    });
    assert.deepEqual(shown, []);
    assert.ok(page.url().startsWith(config.oidcApp), page.url());
    assert.equal(await at.value(page, "amr"), '["wia"]');
    assert.deepEqual(await tokens(), [], "no ticket stands in a URL");
  });
  await step(page, "whoever signs out is signed in again by the next application that asks", async () => {
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await at.heading(page, "You are signed out");
    await page.goto(config.oidcApp);
    await at.clickSignIn(page);
    await at.heading(page, "Hello, carol");
  });
}

async function withoutOne(page) {
  await step(page, "without a ticket the page leads on to the password", async () => {
    await page.goto(config.oidcApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
    await look(page, "kerberos-otherwise", accessible);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Hello, Alice Example");
  });
  await step(page, "the page that asks the browser says what goes on", async () => {
    await page.context().clearCookies();
    // It stays for as long as the way on is closed.
    await page.route("**/commonauth/return/**", (route) => route.fulfill({ status: 204 }));
    await page.goto(config.oidcApp);
    await at.clickSignIn(page);
    await at.heading(page, "One moment");
    await look(page, "negotiate", accessible);
    await focusOrder(page);
    await page.unroute("**/commonauth/return/**");
    await page.getByRole("link", { name: "Sign in another way" }).click();
    await at.atSignInPage(page);
  });
}

async function withoutScript(page) {
  await step(page, "without script as well", async () => {
    await page.goto(config.oidcApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
  });
}

/** URLs with a token in them, from now on. */
function negotiated(context) {
  const seen = [];
  context.on("request", (request) => seen.push(request.url()));
  return async () => seen.filter((url) => /negotiate=[^&]/.test(url));
}
