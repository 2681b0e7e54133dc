// What `cargo xtask demo --check` hands over.

import { createHash, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

function required(name) {
  const value = process.env[name];
  if (!value) {
    console.error(`${name} is not set: run \`cargo xtask demo --check\``);
    process.exit(2);
  }
  return value;
}

export const config = {
  chromium: required("CHROMIUM"),
  samlApp: required("SAML_APP"),
  oidcApp: required("OIDC_APP"),
  identityProvider: required("IDENTITY_PROVIDER"),
  screenshots: required("SCREENSHOTS"),
  userName: required("USER_NAME"),
  password: required("PASSWORD"),
  // One file, or several with colons between them.
  serverKeys: required("EDGE_CERTIFICATE").split(":").map(keyHash),
  // Hosts that Chromium shows Kerberos tickets to.
  ticketsFor: process.env.TICKETS_FOR ?? "",
  // Host names that lead to this machine.
  names: (process.env.NAMES ?? "").split(",").filter(Boolean),
};

/** SHA-256 of the certificate's SubjectPublicKeyInfo: a key that Chromium is to trust. */
function keyHash(file) {
  const key = new X509Certificate(readFileSync(file)).publicKey;
  return createHash("sha256").update(key.export({ type: "spki", format: "der" })).digest("base64");
}
