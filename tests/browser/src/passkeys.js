// Passkeys, with the browser's own virtual authenticator.

import assert from "node:assert/strict";

import { accessible, focusOrder } from "./accessibility.js";
import { config } from "./config.js";
import * as at from "./pages.js";
import { look } from "./screenshots.js";
import { step } from "./steps.js";

const FACTORS = `${config.identityProvider}/authenticationendpoint/factors`;
const STRONG = "https://refeds.org/profile/mfa";

/** Set up, used after a password and in place of it, refused to a copy, and removed. */
export async function passkeys(page, context) {
  const devtools = await context.newCDPSession(page);
  const device = await plugIn(devtools);
  await step(page, "a person sets up a passkey on the page of their sign-in", async () => {
    await page.goto(FACTORS);
    await at.atSignInPage(page);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Your sign-in");
    await look(page, "factors-none", accessible);
    await page.getByRole("button", { name: "Set up: Passkeys" }).click();
    await at.heading(page, "Set up a passkey");
    await look(page, "passkey-enrol", accessible);
    await focusOrder(page);
    await page.getByLabel("A name for it, if you like").fill("Work laptop");
    await page.getByRole("button", { name: "Set up" }).click();
    await page.getByText("Work laptop").waitFor();
    await look(page, "factors", accessible);
  });
  await step(page, "the same device is not set up twice", async () => {
    await page.getByRole("button", { name: "Set up: Passkeys" }).click();
    await page.getByRole("button", { name: "Set up" }).click();
    await told(page, "This device has one of your passkeys already");
    await look(page, "passkey-known", accessible);
    await page.locator('button[value="cancel"]').click();
    await page.getByText("Work laptop").waitFor();
  });
  await step(page, "a password alone does not open that page any more: the passkey is asked for", async () => {
    await forget(context);
    await page.goto(FACTORS);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Use your passkey");
    await look(page, "passkey", accessible);
    await focusOrder(page);
    const focused = await page.evaluate(() => document.activeElement.tagName);
    assert.ok(["BUTTON", "BODY"].includes(focused), focused);
    await page.getByRole("button", { name: "Use a passkey" }).press("Enter");
    await at.heading(page, "Your sign-in");
  });
  await step(page, "an application that asks for more gets the passkey after the password", async () => {
    await forget(context);
    await demand(page, context, STRONG);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Use your passkey");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await at.heading(page, "Hello, Alice Example");
  });
  await step(page, "a passkey alone signs in, and no name is typed", async () => {
    await withoutName(page, context);
    assert.equal(await page.locator("input:not([type=hidden])").count(), 0, "nothing to type");
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await at.heading(page, "Hello, Alice Example");
  });
  await step(page, "who changes their mind can try again or take another way", async () => {
    await withoutName(page, context);
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: false });
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await told(page, "That was cancelled");
    await look(page, "passkey-refused", accessible);
    await devtools.send("WebAuthn.setUserVerified", { authenticatorId: device, isUserVerified: true });
    await page.getByRole("button", { name: "Try again" }).click();
    await at.heading(page, "Hello, Alice Example");
    await withoutName(page, context);
    await page.getByRole("button", { name: "Use another way" }).click();
    await at.atSignInPage(page);
  });
  await step(page, "a copy of the passkey that is behind is refused", async () => {
    const { credentials } = await devtools.send("WebAuthn.getCredentials", { authenticatorId: device });
    assert.equal(credentials.length, 1);
    const [credential] = credentials;
    assert.ok(credential.signCount > 2, `signed ${credential.signCount} times`);
    const put = async (signCount) => {
      await devtools.send("WebAuthn.clearCredentials", { authenticatorId: device });
      const copy = { ...credential, signCount };
      await devtools.send("WebAuthn.addCredential", { authenticatorId: device, credential: copy });
    };
    await put(0);
    await withoutName(page, context);
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("alert").getByText("The passkey could not be verified").waitFor();
    await look(page, "passkey-copy", accessible);
    await put(credential.signCount);
  });
  await step(page, "a browser without passkeys says so", async () => {
    await page.evaluate(() => {
      delete window.PublicKeyCredential;
    });
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await told(page, "This browser has no passkeys");
  });
  await step(page, "the person removes it, and it signs in no more", async () => {
    await page.goto(FACTORS);
    await page.getByRole("button", { name: "Use another way" }).click();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await at.heading(page, "Your sign-in");
    await page.getByRole("button", { name: "Remove: Work laptop" }).click();
    await page.getByRole("region", { name: "Passkeys" }).getByText("Not set up yet.").waitFor();
    await withoutName(page, context);
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("alert").getByText("This passkey is not known here").waitFor();
  });
}

/** What a person without script, who speaks German, is told. */
export async function passkeysWithoutScript(page) {
  await step(page, "without script the page of passkeys says what to do, and leads elsewhere", async () => {
    await at.openApplication(page, config.oidcApp);
    await page.goto(`${config.oidcApp}/sign-in`);
    await page.locator('button[value="other"]').click();
    await at.heading(page, "Passkey benutzen");
    // Playwright finds nothing inside noscript.
    assert.match(await page.locator("main").innerText(), /Passkeys brauchen JavaScript/);
    await look(page, "passkey-without-script", accessible);
    await page.locator('button[value="sign-in"]').click();
    await page.getByRole("alert").getByText("hat keinen Passkey gesendet").waitFor();
    await page.locator('button[value="other"]').click();
    await at.atSignInPage(page);
  });
}

/** A device that keeps passkeys and knows its user. */
async function plugIn(devtools) {
  await devtools.send("WebAuthn.enable");
  const { authenticatorId } = await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return authenticatorId;
}

/** As a browser in which nobody is signed in. */
async function forget(context) {
  await context.clearCookies();
}

/** From the application to the page of passkeys, with nobody signed in. */
async function withoutName(page, context) {
  await forget(context);
  await page.goto(`${config.oidcApp}/sign-in`);
  await page.getByRole("button", { name: "Use another way" }).click();
  await at.heading(page, "Use your passkey");
}

/** The application asks for this authentication context. */
async function demand(page, context, acr) {
  const sent = await context.request.get(`${config.oidcApp}/sign-in`, { maxRedirects: 0 });
  await page.goto(`${sent.headers().location}&acr_values=${encodeURIComponent(acr)}`);
}

async function told(page, text) {
  await page.getByRole("status").getByText(text).waitFor();
}
