// Reads the identity provider's metadata: where to send people, and whose signatures count.

import { DOMParser } from "@xmldom/xmldom";
import xpath from "xpath";

const MAX_AGE_MS = 10 * 60 * 1000;
const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";

const select = xpath.useNamespaces({
  md: "urn:oasis:names:tc:SAML:2.0:metadata",
  ds: "http://www.w3.org/2000/09/xmldsig#",
});

let cached;

/** Entity ID, sign-in URL and signing certificates; read again every ten minutes. */
export async function identityProvider(metadataUrl) {
  if (cached && Date.now() - cached.readAt < MAX_AGE_MS) {
    return cached;
  }
  const response = await fetch(metadataUrl, { signal: AbortSignal.timeout(10_000) });
  if (!response.ok) {
    throw new Error(`the identity provider's metadata answered ${response.status}`);
  }
  cached = { ...parse(await response.text()), readAt: Date.now() };
  return cached;
}

function parse(xml) {
  const document = new DOMParser({
    errorHandler: {
      warning: () => {},
      error: (message) => {
        throw new Error(`metadata: ${message}`);
      },
      fatalError: (message) => {
        throw new Error(`metadata: ${message}`);
      },
    },
  }).parseFromString(xml, "text/xml");
  const one = (expression) => select(`string(${expression})`, document);
  const idp = "/md:EntityDescriptor/md:IDPSSODescriptor";
  const certificates = select(
    `${idp}/md:KeyDescriptor[not(@use) or @use="signing"]//ds:X509Certificate/text()`,
    document,
  ).map((node) => node.data.replace(/\s/g, ""));
  const found = {
    entityId: one("/md:EntityDescriptor/@entityID"),
    signInUrl: one(`${idp}/md:SingleSignOnService[@Binding="${REDIRECT}"]/@Location`),
    certificates,
  };
  if (!found.entityId || !found.signInUrl || certificates.length === 0) {
    throw new Error("the metadata names no entity ID, sign-in URL or signing certificate");
  }
  return found;
}
