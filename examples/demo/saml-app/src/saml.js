// The SAML side, by node-saml.

import { SAML, ValidateInResponseTo, generateServiceProviderMetadata } from "@node-saml/node-saml";

import { config } from "./config.js";
import { identityProvider } from "./identity-provider.js";

const REQUEST_LIFETIME_MS = 10 * 60 * 1000;

const ours = {
  issuer: config.entityId,
  callbackUrl: config.assertionConsumerUrl,
  privateKey: config.key,
  publicCert: config.certificate,
  signatureAlgorithm: "sha256",
  digestAlgorithm: "sha256",
  identifierFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
  wantAssertionsSigned: true,
};

let current;

/** The toolkit, set up for the identity provider as its metadata describes it now. */
async function toolkit() {
  const idp = await identityProvider(config.identityProviderMetadata);
  if (current?.idp !== idp) {
    const saml = new SAML({
      ...ours,
      idpIssuer: idp.entityId,
      idpCert: idp.certificates,
      entryPoint: idp.signInUrl,
      audience: config.entityId,
      // A signed assertion is what counts; a signature over the whole response is welcome.
      wantAuthnResponseSigned: false,
      // Only answers to a question that we asked, each once.
      validateInResponseTo: ValidateInResponseTo.always,
      requestIdExpirationPeriodMs: REQUEST_LIFETIME_MS,
      // The questions asked outlive a change of the metadata.
      cacheProvider: current?.saml.cacheProvider,
      acceptedClockSkewMs: 5_000,
    });
    current = { idp, saml };
  }
  return current.saml;
}

/** Where to send the browser to sign in. The identity provider returns `relayState` unchanged. */
export async function signInUrl(relayState) {
  const saml = await toolkit();
  return saml.getAuthorizeUrlAsync(relayState, undefined, {});
}

/** The person that the identity provider's answer vouches for; throws when it is not good. */
export async function readResponse(form) {
  const saml = await toolkit();
  const { profile } = await saml.validatePostResponseAsync({
    SAMLResponse: form.get("SAMLResponse") ?? "",
  });
  if (!profile) {
    throw new Error("the identity provider sent no assertion");
  }
  return profile;
}

/** What the identity provider's operator registers. */
export function metadata() {
  return generateServiceProviderMetadata({ ...ours, publicCerts: config.certificate });
}
