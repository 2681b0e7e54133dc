// Each in a browser of its own.

import assert from "node:assert/strict";

import { accessible, focusOrder } from "./accessibility.js";
import { config } from "./config.js";
import * as at from "./pages.js";
import { look } from "./screenshots.js";
import { step } from "./steps.js";

const providers = JSON.parse(process.env.PROVIDERS);
const LINKING = "You have come from Elsewhere, where you are called al@op.example.";
const RETURN = `${config.identityProvider}/commonauth/return/`;

/** Their account here is made on the way. */
export async function atAnotherPostern(page, context) {
  await step(page, "the first page asks who somebody is, and nothing else", async () => {
    await begin(page, config.oidcApp);
    await look(page, "name-first", accessible);
    await focusOrder(page);
    const focused = await page.evaluate(() => document.activeElement.getAttribute("autocomplete"));
    assert.equal(focused, "username", "the field has the focus");
  });
  await step(page, "the domain of an address leads to the other Postern", async () => {
    await say(page, "dora@partner.test");
    await page.locator('input[type="password"]').waitFor();
    assert.ok(page.url().startsWith(`${providers.partner}/`), page.url());
    await look(page, "partner", accessible);
  });
  await step(page, "its password ends at the application", async () => {
    await at.enter(page, providers.dora.name, providers.dora.password);
    await at.heading(page, "Hello, Alice Example");
    assert.ok(page.url().startsWith(config.oidcApp), page.url());
    assert.equal(await at.value(page, "email"), "dora@example.com");
    assert.equal(await at.value(page, "iss"), config.identityProvider);
  });
  await step(page, "each of the two has cookies of its own, which no other site gets", async () => {
    for (const origin of [config.identityProvider, providers.partner]) {
      const cookies = await context.cookies(origin);
      assert.ok(cookies.some(({ name }) => name === "__Host-postern-session"), origin);
      for (const { name, secure, httpOnly, sameSite } of cookies) {
        assert.ok(secure && httpOnly && ["Lax", "Strict"].includes(sameSite), name);
      }
    }
  });
  await step(page, "whoever is signed in there only says who they are", async () => {
    await page.goto(config.oidcApp);
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await at.heading(page, "You are signed out");
    await begin(page, config.oidcApp);
    await say(page, "dora@partner.test");
    await at.heading(page, "Hello, Alice Example");
  });
}

/** They have an account here. */
export async function linkedByTheirOwner(page, context) {
  await step(page, "somebody unknown is asked for the account that they have", async () => {
    await begin(page, config.oidcApp);
    await say(page, "al@elsewhere.test");
    await signInElsewhere(page, "al");
    await at.atSignInPage(page);
    const text = await page.locator("main").innerText();
    assert.ok(text.includes(LINKING), text);
    assert.equal(await page.locator('input[autocomplete~="username"]').inputValue(), "", "another name here");
    await look(page, "linking", accessible);
    await focusOrder(page);
  });
  await step(page, "a wrong password is told, and what it is about stays there", async () => {
    await at.enter(page, config.userName, "not the password");
    await page.getByRole("alert").waitFor();
    assert.ok((await page.locator("main").innerText()).includes(LINKING));
    await look(page, "linking-wrong-password", accessible);
  });
  await step(page, "the page can be loaded again", async () => {
    await page.reload();
    await at.atSignInPage(page);
    assert.ok((await page.locator("main").innerText()).includes(LINKING));
  });
  await step(page, "their password links it, and ends at the application", async () => {
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Hello, Alice Example");
    assert.equal(await at.value(page, "email"), "alice@example.com");
  });
  await step(page, "from then on it signs in", async () => {
    // Signed in at the provider alone.
    for (const domain of ["sso.example.com", "127.0.0.1"]) await context.clearCookies({ domain });
    await begin(page, config.oidcApp);
    await say(page, "al@elsewhere.test");
    await at.heading(page, "Hello, Alice Example");
    assert.ok(page.url().startsWith(config.oidcApp), page.url());
  });
  await step(page, "the person sees it on their own page, and shows before that they are there", async () => {
    await page.goto(`${config.identityProvider}/authenticationendpoint/factors`);
    // They came by the provider, which knew the browser: it is asked for them anew.
    await say(page, "al@elsewhere.test");
    await signIn(page, "al");
    const link = page.getByText("Elsewhere: al@op.example");
    const consent = page.getByRole("button", { name: "Continue" });
    await link.or(consent).first().waitFor();
    if (await consent.isVisible()) await consent.click();
    await link.waitFor();
    await look(page, "factors-links", accessible);
    await focusOrder(page);
  });
}

/** Nobody here, and nobody is made. */
export async function turnedAway(page) {
  await step(page, "somebody unknown is turned away where the operator says so", async () => {
    await begin(page, config.oidcApp);
    await say(page, "mallory@strict.test");
    await signInElsewhere(page, "mallory");
    await page.getByText(/Nobody can be signed in here with the account that you chose/).waitFor();
    assert.ok(page.url().startsWith(config.identityProvider), page.url());
    await look(page, "turned-away", accessible);
    await focusOrder(page);
  });
}

/** The Response is a POST from another site, which brings none of our cookies. */
export async function postedFromAnotherSite(page) {
  let posts;
  await step(page, "the domain of an address leads to the SAML provider", async () => {
    posts = returns(page);
    await begin(page, config.samlApp);
    await say(page, "carol@saml.test");
    await at.heading(page, "Who are you?");
    assert.ok(page.url().startsWith(providers.saml), page.url());
  });
  await step(page, "its Response ends at the application", async () => {
    await page.getByLabel("Name").fill("carol");
    await page.getByRole("button", { name: "Sign in there" }).click();
    await at.heading(page, /^Hello/);
    assert.ok(page.url().startsWith(config.samlApp), page.url());
    assert.ok((await at.value(page, "NameID")).includes("nameid-format:persistent"));
  });
  await step(page, "it came without our cookies, and was fetched with them", async () => {
    const [post, fetched] = await posts();
    assert.equal(post.method, "POST");
    assert.equal(post.headers["sec-fetch-site"], "cross-site");
    assert.equal(post.headers.cookie, undefined);
    assert.equal(fetched.method, "GET");
    assert.match(fetched.headers.cookie, /__Host-postern-browser=/);
    assert.doesNotMatch(fetched.url, /SAMLResponse/);
  });
  await step(page, "the other application signs in without any page", async () => {
    await page.goto(config.oidcApp);
    const shown = await at.pagesOfIdentityProvider(page, async () => {
      await at.clickSignIn(page);
      await at.heading(page, /^Hello/);
    });
    assert.deepEqual(shown, [], "pages of the identity provider on the way");
    assert.equal(await at.value(page, "email"), "carol@saml.test");
  });
  await step(page, "Back and the same form again sign nobody in", async () => {
    await page.goBack();
    await page.waitForLoadState("load");
    const signedIn = await page.getByRole("heading", { name: /^Hello/ }).count();
    // Wherever the browser's history leads: nothing is answered twice.
    if (!signedIn) assert.ok(!page.url().startsWith(`${config.samlApp}/saml`), page.url());
    await page.goto(config.samlApp);
    await at.heading(page, /^Hello/);
  });
}

/** Cancelled there, loaded again, gone back, somebody else. */
export async function changesOfMind(page) {
  await step(page, "whoever cancels there is told, with a way on", async () => {
    await begin(page, config.oidcApp);
    await say(page, "al@elsewhere.test");
    await page.getByRole("link", { name: /Cancel/ }).click();
    await page.waitForURL(`${config.identityProvider}/**`);
    await page.locator("main").getByText(/refused there/).waitFor();
    await look(page, "cancelled-elsewhere", accessible);
    await focusOrder(page);
  });
  await step(page, "the page that says so can be loaded again", async () => {
    await page.reload();
    await page.locator("main").getByText(/refused there/).waitFor();
  });
  await step(page, "Back leads nowhere bad", async () => {
    await page.goBack();
    await page.goForward();
    await page.waitForURL(`${config.identityProvider}/**`);
    await page.locator("main").getByText(/refused there/).waitFor();
  });
  await step(page, "somebody else says who they are", async () => {
    await page.goto(`${config.oidcApp}`);
    await at.clickSignIn(page);
    await say(page, "alice");
    await at.atSignInPage(page);
    await look(page, "not-you", accessible);
    await focusOrder(page);
    await page.getByRole("button", { name: "Not you?" }).click();
    await page.getByLabel("E-mail address or user name").waitFor();
    await say(page, config.userName);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Hello, Alice Example");
  });
  await step(page, "a refusal of the SAML provider is told", async () => {
    await page.context().clearCookies();
    await begin(page, config.samlApp);
    await say(page, "carol@saml.test");
    await page.getByRole("button", { name: "Refuse" }).click();
    await page.locator("main").getByText(/did not sign you in/).waitFor();
    assert.ok(page.url().startsWith(config.identityProvider), page.url());
    await look(page, "refused-by-saml", accessible);
    await page.reload();
    await page.locator("main").getByText(/did not sign you in/).waitFor();
  });
}

/** From the application to the page that asks who somebody is. */
async function begin(page, application) {
  await page.goto(application);
  await at.clickSignIn(page);
  await page.getByLabel("E-mail address or user name").waitFor();
}

async function say(page, name) {
  await page.getByLabel("E-mail address or user name").fill(name);
  await page.getByRole("button", { name: "Continue" }).click();
}

/** node-oidc-provider's own pages. */
async function signInElsewhere(page, name) {
  await signIn(page, name);
  await page.getByRole("button", { name: "Continue" }).click();
}

async function signIn(page, name) {
  await page.locator('input[name="login"]').fill(name);
  assert.ok(page.url().startsWith(providers.elsewhere), page.url());
  await page.locator('input[name="password"]').fill("any");
  await page.getByRole("button", { name: "Sign-in" }).click();
}

/** What reaches the path where people come back, from now on. */
function returns(page) {
  const seen = [];
  page.on("request", (request) => {
    if (request.url().startsWith(RETURN)) seen.push(request);
  });
  return () =>
    Promise.all(
      seen.map(async (one) => ({ method: one.method(), url: one.url(), headers: await one.allHeaders() })),
    );
}
