// What a person does on the pages, found as a person finds it: by what is written there.

import assert from "node:assert/strict";

import { config } from "./config.js";

export async function openApplication(page, url) {
  await page.goto(url);
}

export async function clickSignIn(page) {
  await page.getByRole("link", { name: "Sign in" }).click();
}

/** Waits for the identity provider's sign-in page. */
export async function atSignInPage(page) {
  await password(page).waitFor();
  assert.ok(page.url().startsWith(`${config.identityProvider}/`), `sign-in page at ${page.url()}`);
}

export async function enter(page, userName, secret) {
  await page.locator('input[autocomplete~="username"]').fill(userName);
  await password(page).fill(secret);
  await submit(page).click();
}

export function submit(page) {
  return page.locator("form button[type=submit]").first();
}

function password(page) {
  return page.locator('input[type="password"]');
}

export async function heading(page, text) {
  await page.getByRole("heading", { level: 1, name: text }).waitFor();
}

/** The value in a table of the applications. */
export async function value(page, name) {
  const row = page.locator("tr").filter({ has: page.locator(`th[scope=row]:text-is("${name}")`) });
  return (await row.first().locator("td").innerText()).trim();
}

/** Every document that the identity provider shows while `action` runs. */
export async function pagesOfIdentityProvider(page, action) {
  const shown = [];
  const note = (response) => {
    const isPage = response.request().isNavigationRequest() && response.status() < 300;
    if (isPage && response.url().startsWith(config.identityProvider)) shown.push(response.url());
  };
  page.on("response", note);
  try {
    await action();
  } finally {
    page.off("response", note);
  }
  return shown;
}
