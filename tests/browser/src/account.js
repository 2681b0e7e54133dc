// The pages on which a person looks after their own account: factors, sessions, password.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";

import { accessible, focusOrder } from "./accessibility.js";
import { config } from "./config.js";
import * as at from "./pages.js";
import { look } from "./screenshots.js";
import { step } from "./steps.js";

const own = (page) => `${config.identityProvider}/authenticationendpoint/${page}`;

/** What the person keeps between two browsers. */
const kept = {};

/** RFC 6238 from the key as the page shows it to be typed; `ahead` steps from now. */
function totp(key, ahead) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...key.replace(/\s/g, "")].map((char) => alphabet.indexOf(char).toString(2).padStart(5, "0")).join("");
  const bytes = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const digest = createHmac("sha1", bytes).update(counter).digest();
  const number = digest.readUInt32BE(digest[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

/** Sets up codes from an app and recovery codes, with the keyboard alone. */
export async function setsFactorsUp(page) {
  await step(page, "the person's own page takes a sign-in", async () => {
    await page.goto(own("factors"));
    await at.atSignInPage(page);
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Your sign-in");
    await look(page, "factors-none", accessible);
    await focusOrder(page);
  });
  await step(page, "codes from an app are set up", async () => {
    await page.getByRole("button", { name: "Set up: Codes from an app" }).press("Enter");
    await at.heading(page, "Set up codes from an app");
    kept.key = await page.locator("code.plain").innerText();
    await look(page, "totp-enrol", accessible);
    await focusOrder(page);
    await page.getByLabel("The code that the app shows now").fill(totp(kept.key, 0));
    await page.keyboard.press("Tab");
    await page.keyboard.type("Phone");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Remove: Phone" }).waitFor();
    await look(page, "factors-totp", accessible);
  });
  await step(page, "recovery codes are shown once", async () => {
    await page.getByRole("button", { name: "Set up: Recovery codes" }).press("Enter");
    await at.heading(page, "Your recovery codes");
    kept.codes = await page.locator(".value code").allInnerTexts();
    assert.equal(kept.codes.length, 10);
    await look(page, "recovery-enrol", accessible);
    await focusOrder(page);
    await page.getByRole("button", { name: "I have kept them" }).press("Enter");
    await at.heading(page, "Your sign-in");
    assert.ok(!(await page.locator("body").innerText()).includes(kept.codes[0]));
    await look(page, "factors-both", accessible);
    await focusOrder(page);
  });
}

/** Another browser: the second factor is asked for, and the sessions of both are there. */
export async function usesThem(page) {
  await step(page, "the second factor is asked for after the password", async () => {
    await page.goto(own("sessions"));
    await at.enter(page, config.userName, config.password);
    await at.heading(page, "Enter your code");
    await look(page, "totp-ask", accessible);
    await focusOrder(page);
    await page.getByLabel("Code from the app").fill("000000");
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
    await look(page, "totp-wrong", accessible);
    // The code of now was used to set it up; the next one is good already.
    await page.getByLabel("Code from the app").fill(totp(kept.key, 1));
    await page.keyboard.press("Enter");
    await at.heading(page, "Your sessions");
  });
  await step(page, "sessions are listed, and another one is ended", async () => {
    const sessions = page.locator(".sessions > li");
    const before = await sessions.count();
    assert.ok(before >= 2, `${before} sessions`);
    assert.ok((await sessions.first().innerText()).includes("Chrome on Linux"), await sessions.first().innerText());
    assert.equal(await page.locator(".badge").count(), 1, "the present one is marked");
    await look(page, "sessions", accessible);
    await focusOrder(page);
    await page.getByRole("button", { name: /^End: / }).first().press("Enter");
    await at.heading(page, "Your sessions");
    assert.equal(await sessions.count(), before - 1);
  });
  await step(page, "a password is changed, and a wrong one is told", async () => {
    await page.getByRole("link", { name: "Password" }).press("Enter");
    await at.heading(page, "Your password");
    await look(page, "password", accessible);
    await focusOrder(page);
    const change = async (current, fresh) => {
      await page.getByLabel("Present password").fill(current);
      await page.getByLabel("New password", { exact: true }).fill(fresh);
      await page.getByLabel("New password again").fill(fresh);
      await page.keyboard.press("Enter");
    };
    await change("not the password", "another horse battery staple");
    await page.getByRole("alert").waitFor();
    await look(page, "password-wrong", accessible);
    await change(config.password, "another horse battery staple");
    await page.getByRole("status").waitFor();
    await look(page, "password-changed", accessible);
    await change("another horse battery staple", config.password);
    await page.getByRole("status").waitFor();
  });
}

/** A third one, without the phone. */
export async function recovers(page) {
  await step(page, "a recovery code is good in the place of the phone, once", async () => {
    const ask = async () => {
      await page.goto(own("sessions"));
      await at.enter(page, config.userName, config.password);
      await page.getByRole("button", { name: "Use another way" }).press("Enter");
      await at.heading(page, "Enter a recovery code");
    };
    await ask();
    await look(page, "recovery-ask", accessible);
    await focusOrder(page);
    await page.getByLabel("Recovery code").fill(kept.codes[0].toLowerCase());
    await page.keyboard.press("Enter");
    await at.heading(page, "Your sessions");
    await page.context().clearCookies();
    await ask();
    await page.getByLabel("Recovery code").fill(kept.codes[0]);
    await page.keyboard.press("Enter");
    await page.getByRole("alert").waitFor();
  });
}
