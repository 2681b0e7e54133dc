// The journeys, each in a browser of its own.

import assert from "node:assert/strict";

import { accessible, focusOrder } from "./accessibility.js";
import { config } from "./config.js";
import * as at from "./pages.js";
import { look } from "./screenshots.js";
import { step } from "./steps.js";

/** SAML first, then OpenID Connect without a password, then out of both. */
export async function oneSignInForBoth(page, context) {
  await step(page, "the SAML application welcomes", async () => {
    await at.openApplication(page, config.samlApp);
    await at.heading(page, "Your hours, in one place");
    await look(page, "saml-app-welcome", accessible);
  });
  await step(page, "it sends to the sign-in page through the proxy", async () => {
    await at.clickSignIn(page);
    await at.atSignInPage(page);
    const focused = await page.evaluate(() => document.activeElement.getAttribute("autocomplete"));
    assert.equal(focused, "username", "the first field has the focus");
    await look(page, "sign-in", accessible);
  });
  await step(page, "the sign-in page works with the keyboard", () => focusOrder(page));
  await step(page, "one password signs in to the SAML application, with attributes", async () => {
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Hello, Alice Example");
    assert.ok(page.url().startsWith(config.samlApp), page.url());
    const text = await page.locator("table").innerText();
    assert.ok(text.includes("alice@example.com"), `attributes: ${text}`);
    assert.ok((await at.value(page, "NameID")).includes("nameid-format:persistent"));
    await look(page, "saml-app-signed-in", accessible);
  });
  await step(page, "the session cookie is kept from scripts, other hosts and other sites", async () => {
    const cookies = await context.cookies(config.identityProvider);
    const own = cookies.filter(({ domain }) => domain === "localhost");
    assert.ok(own.length > 0, "the identity provider set a cookie");
    for (const cookie of own) {
      assert.ok(cookie.name.startsWith("__Host-"), cookie.name);
      assert.ok(cookie.secure && cookie.httpOnly, cookie.name);
      assert.ok(["Lax", "Strict", "None"].includes(cookie.sameSite), cookie.name);
    }
  });
  await step(page, "the OpenID Connect application signs in without any page", async () => {
    await at.openApplication(page, config.oidcApp);
    await at.heading(page, "Write it down, find it again");
    await look(page, "oidc-app-welcome", accessible);
    const shown = await at.pagesOfIdentityProvider(page, async () => {
      await at.clickSignIn(page);
      await at.heading(page, "Hello, Alice Example");
    });
    assert.deepEqual(shown, [], "pages of the identity provider on the way");
    assert.equal(await at.value(page, "email"), "alice@example.com");
    assert.equal(await at.value(page, "iss"), config.identityProvider);
    await look(page, "oidc-app-signed-in", accessible);
  });
  await step(page, "signing out there ends the session everywhere", async () => {
    await page.getByRole("button", { name: "Sign out everywhere" }).click();
    await at.heading(page, "You are signed out");
    assert.ok(page.url().startsWith(config.oidcApp), page.url());
    await look(page, "oidc-app-signed-out", accessible);
    await at.openApplication(page, config.samlApp);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("status").waitFor();
    await look(page, "saml-app-signed-out", accessible);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
  });
}

/** Wrong passwords, a change of mind, and addresses that are nobody's. */
export async function whatIsRefused(page) {
  let answer;
  await step(page, "a wrong password is told in the page", async () => {
    await at.openApplication(page, config.samlApp);
    await at.clickSignIn(page);
    await at.enter(page, config.userName, "not the password");
    await page.getByRole("alert").waitFor();
    answer = await page.getByRole("alert").innerText();
    assert.equal(await page.locator('input[type="password"]').inputValue(), "", "no password comes back");
    await look(page, "wrong-password", accessible);
  });
  await step(page, "an unknown person gets the same answer", async () => {
    await at.enter(page, "nobody-of-that-name", "not the password");
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByRole("alert").innerText(), answer);
  });
  await step(page, "a change of mind leads back to the application", async () => {
    await page.locator('button[value="cancel"]').click();
    await at.heading(page, "You could not be signed in");
    assert.ok(page.url().startsWith(config.samlApp), page.url());
    await look(page, "saml-app-cancelled", accessible);
  });
  await step(page, "management and unknown addresses are not there", async () => {
    for (const path of ["/carbon", "/console", "/services", "/metrics", "/health", "/nothing"]) {
      const response = await page.goto(config.identityProvider + path);
      assert.equal(response.status(), 404, path);
    }
  });
  await step(page, "a request that is no SAML is refused with a number to quote", async () => {
    const response = await page.goto(`${config.identityProvider}/samlsso?SAMLRequest=AAAA`);
    assert.equal(response.status(), 400);
    const text = await page.locator("body").innerText();
    assert.match(text, /[0-9a-f]{8}/, "a correlation id");
    assert.doesNotMatch(text, /saml\.|inflate|deflate|panic|stack/i, "nothing of the inside");
  });
}

/** The pages between sign-in and application that are not always shown, and the last one. */
export async function consentAndSignOut(page, context) {
  const asking = async () => {
    // What an application sends that wants the person to be asked anew.
    const sent = await context.request.get(`${config.oidcApp}/sign-in`, { maxRedirects: 0 });
    await page.goto(`${sent.headers().location}&prompt=consent`);
  };
  await step(page, "an application can have the person asked first", async () => {
    await asking();
    await at.atSignInPage(page);
    await at.enter(page, config.userName, config.password);
    await page.locator('button[value="agree"]').waitFor();
    await look(page, "consent", accessible);
    await focusOrder(page);
    await page.locator('button[value="agree"]').click();
    await at.heading(page, "Hello, Alice Example");
  });
  await step(page, "a person can refuse, and the application is told", async () => {
    await asking();
    await page.locator('button[value="refuse"]').click();
    await at.heading(page, "You could not be signed in");
    assert.ok(page.url().startsWith(config.oidcApp), page.url());
    await look(page, "oidc-app-refused", accessible);
  });
  await step(page, "nobody is signed out by a link: the person is asked", async () => {
    await page.goto(`${config.identityProvider}/oidc/logout`);
    await page.locator('button[value="sign-out"]').waitFor();
    await look(page, "sign-out", accessible);
    await page.locator('button[value="sign-out"]').click();
    await page.locator("form").waitFor({ state: "detached" });
    await look(page, "signed-out", accessible);
    await at.openApplication(page, config.samlApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
  });
  await step(page, "a sign-in that nobody began is explained, with a number to quote", async () => {
    const response = await page.goto(
      `${config.identityProvider}/authenticationendpoint/login?t=AAAAAAAAAAAAAAAAAAAAAA`,
    );
    assert.ok(response.status() >= 400 && response.status() < 500, String(response.status()));
    await look(page, "error", accessible);
  });
}

/** The same sign-in in a browser that runs no script. */
export async function withoutScript(page) {
  await step(page, "signing in works without script", async () => {
    await at.openApplication(page, config.samlApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
    await at.enter(page, config.userName, config.password);
    // What a script would have sent on by itself.
    await page.locator('input[name="SAMLResponse"]').waitFor({ state: "attached" });
    await look(page, "continue-without-script", accessible);
    await at.submit(page).click();
    await at.heading(page, "Hello, Alice Example");
  });
}

/** The other language. */
export async function inGerman(page) {
  await step(page, "the sign-in page speaks German to those who ask for it", async () => {
    await at.openApplication(page, config.oidcApp);
    await at.clickSignIn(page);
    await at.atSignInPage(page);
    assert.equal(await page.locator("html").getAttribute("lang"), "de");
    await look(page, "sign-in-german", accessible);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Hello, Alice Example");
  });
}
