// Chromium with a fresh profile.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { chromium } from "playwright-core";

import { config } from "./config.js";

const FLAGS = [
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Our own keys and no others: every other certificate is checked as always.
  `--ignore-certificate-errors-spki-list=${config.serverKeys.join(",")}`,
  `--host-resolver-rules=${config.names.map((name) => `MAP ${name} 127.0.0.1`).join(",")}`,
  `--auth-server-allowlist=${config.ticketsFor}`,
];

/**
 * As the policy DisableAuthNegotiateCnameLookup: Chromium would want a ticket for 127.0.0.1, which is what the rules
 * above make of names.
 */
const LOCAL_STATE = { auth: { disable_negotiate_cname_lookup: true } };

/** Runs `person(page)` in a browser that nobody has used before. */
export async function withBrowser(options, person) {
  const profile = await mkdtemp(join(tmpdir(), "postern-chromium-"));
  await writeFile(join(profile, "Local State"), JSON.stringify(LOCAL_STATE));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: config.chromium,
    headless: true,
    // It needs user namespaces, which root and containers lack; the pages are our own.
    chromiumSandbox: false,
    args: FLAGS,
    locale: "en-GB",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(15_000);
  try {
    await person(context.pages()[0] ?? (await context.newPage()), context);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}
