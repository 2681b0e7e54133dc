// What the operator decides. Everything comes from environment variables; a missing one is
// named at start-up, not at the first sign-in.

import { readFileSync } from "node:fs";

import { required } from "../../shared/environment.js";

const port = Number(process.env.PORT ?? 9001);
const baseUrl = process.env.BASE_URL ?? `http://127.0.0.1:${port}`;

export const config = {
  port,
  baseUrl,
  // The entity ID: how the identity provider knows this application.
  entityId: process.env.ENTITY_ID ?? `${baseUrl}/metadata`,
  assertionConsumerUrl: `${baseUrl}/saml/acs`,
  // Node trusts the CA in NODE_EXTRA_CA_CERTS beside the public ones.
  identityProviderMetadata: required(
    "IDP_METADATA",
    "the https URL of the identity provider's SAML 2.0 metadata",
  ),
  // This application signs its requests with this key.
  key: readFileSync(required("SP_KEY_FILE", "a PEM file with this application's private key"), "utf8"),
  certificate: readFileSync(
    required("SP_CERTIFICATE_FILE", "a PEM file with the certificate of that key"),
    "utf8",
  ),
};
