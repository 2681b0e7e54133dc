// What a hostile authenticator says, on the page: text as it is written, and nothing that the browser fetches or runs.
// Run by tests/end-to-end (`in_browser`).

import assert from "node:assert/strict";

import { accessible } from "./accessibility.js";
import { withBrowser } from "./browser.js";
import { config } from "./config.js";
import { run } from "./main-of.js";
import * as at from "./pages.js";
import { look } from "./screenshots.js";
import { step } from "./steps.js";

const OURS = [config.identityProvider, config.oidcApp].map((url) => `${url}/`);
/** What a browser that fell for it would hold. */
const FOREIGN =
  "main script, main img, main iframe, main style, main link, main object, main meta, [onfocus], [onload], [onerror], " +
  "[style], base, meta[http-equiv]";

await run(async () => {
  for (const javaScriptEnabled of [true, false]) {
    await withBrowser({ javaScriptEnabled }, saysEverything);
  }
  await withBrowser({}, linksAnIdentity);
});

async function saysEverything(page, context) {
  const strange = watch(page, context);
  for (const [kind, shown] of [
    ["html", "<script src=//evil.example/s></script>"],
    ["attribute", "\" autofocus onfocus=\"fetch("],
    ["template", "{{ 7 * 7 }}{% include 'error.html' %}"],
    ["bidi", "the-secret"],
  ]) {
    await step(page, `${kind} in every place of a challenge is text`, async () => {
      await tell(page, `all ${kind}`);
      await at.heading(page, new RegExp(quoted(shown)));
      await unharmed(page);
      const places = await page.locator(".told, label, legend, figcaption, button, h1, .alert p").allInnerTexts();
      assert.ok(places.filter((text) => text.includes(shown)).length >= 9, places.join("\n"));
      const value = await page.locator('input[name="f.more"]').inputValue();
      assert.ok(value.includes(shown), value);
      await look(page, `said-${kind}`, accessible);
      // The page is usable: the way to the password is there.
      await page.locator('button[value="other"]').click();
      await at.atSignInPage(page);
      assert.deepEqual(strange(), []);
    });
  }
  await step(page, "a page that waits for another device says so, and loads itself again", async () => {
    await tell(page, "waiting plain");
    await page.getByRole("status").getByText("the-secret").waitFor();
    await look(page, "waiting", accessible);
    assert.equal(await page.locator("head meta[http-equiv=refresh]").getAttribute("content"), "60");
  });
  await step(page, "and so it is in what a person who is turned away reads", async () => {
    await tell(page, "denied-text html");
    await page.getByText("<script src=//evil.example/s></script>").first().waitFor();
    await unharmed(page);
    assert.deepEqual(strange(), []);
  });
}

/** Claims of an identity that is to be linked. */
async function linksAnIdentity(page, context) {
  const strange = watch(page, context);
  for (const [place, kind] of [["claim-value", "html"], ["subject", "attribute"], ["claim-value", "template"], ["subject", "bidi"]]) {
    await step(page, `${kind} as the ${place} of an identity is text, or not shown`, async () => {
      await tell(page, `${place} ${kind}`);
      await at.atSignInPage(page);
      await unharmed(page);
      const text = await page.locator("main").innerText();
      assert.match(text, /Sign in/);
      if (kind === "bidi") assert.doesNotMatch(text, /[\u202e\u2066\u200b]/);
      assert.deepEqual(strange(), []);
    });
  }
  await step(page, "a person goes on with their password all the same", async () => {
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Hello, Alice Example");
    assert.deepEqual(strange(), []);
  });
}

/** From the application to the component's page, and says what it is to say. */
async function tell(page, what) {
  await page.goto(`${config.oidcApp}/sign-in`);
  await page.locator('button[value="other"]').click();
  await page.getByLabel("What to say").fill(what);
  await page.getByLabel("A secret").fill("the-secret");
  await page.locator('button[value="sign-in"]').click();
}

async function unharmed(page) {
  await page.waitForLoadState("load");
  assert.ok(page.url().startsWith(OURS[0]), page.url());
  assert.equal(await page.locator(FOREIGN).count(), 0, await page.content());
}

/** Whatever is asked of others, and whatever opens, from now on. */
function watch(page, context) {
  const seen = [];
  context.on("request", (request) => {
    const url = request.url();
    if (!OURS.some((own) => url.startsWith(own)) && !url.startsWith("data:")) seen.push(url);
  });
  context.on("page", (other) => seen.push(`another window: ${other.url()}`));
  page.on("dialog", (dialog) => seen.push(`a dialog: ${dialog.message()}`));
  page.on("pageerror", (error) => seen.push(`a script's error: ${error}`));
  return () => seen;
}

function quoted(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
