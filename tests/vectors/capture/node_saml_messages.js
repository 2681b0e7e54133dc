// What @node-saml/node-saml sends as a service provider. CAPTURE is the world as JSON.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { SAML, generateServiceProviderMetadata } from "@node-saml/node-saml";

const world = JSON.parse(process.env.CAPTURE);
const { version } = JSON.parse(readFileSync("node_modules/@node-saml/node-saml/package.json", "utf8"));
const privateKey = readFileSync(world.keyFile, "utf8");
const certificate = readFileSync(world.certificateFile, "utf8");
const found = [];

function provider(party, options) {
  return new SAML({
    issuer: `https://${party}.example.com/metadata`,
    callbackUrl: `https://${party}.example.com/acs`,
    entryPoint: world.destination,
    logoutUrl: world.destination,
    idpCert: certificate,
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    ...options,
  });
}

const signing = (algorithm = "sha256") => ({ privateKey, signatureAlgorithm: algorithm, digestAlgorithm: algorithm });
const byPost = { skipRequestCompression: true, authnRequestBinding: "HTTP-POST" };

function add(name, how, why, rule, sent) {
  found.push({ name: `node-saml-${name}`, from: `node-saml ${version}, ${how}`, why, rule, ...sent });
}

function fields(page) {
  return [...page.matchAll(/name="(\w+)" value="([^"]*)"/g)].map((match) => [match[1], match[2]]);
}

async function redirect(name, how, why, party, options, relayState = "") {
  add(name, how, why, "saml", { url: await provider(party, options).getAuthorizeUrlAsync(relayState, undefined, {}) });
}

async function post(name, how, why, party, options, relayState = "") {
  const page = await provider(party, { ...byPost, ...options }).getAuthorizeFormAsync(relayState);
  add(name, how, why, "saml", { fields: fields(page) });
}

await redirect("redirect", "Redirect, unsigned", "Its plain AuthnRequest.", "unsigned", {});
await redirect("redirect-relay-state", "Redirect, unsigned", "RelayState in the query.", "unsigned", {}, "/app?a=b&c=d");
await redirect("redirect-name-id-policy", "Redirect, unsigned", "A NameID of its default format is asked for.", "unsigned", {
  identifierFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
});
await redirect("redirect-authn-context", "Redirect, unsigned", "Its default authentication context.", "unsigned", {
  disableRequestedAuthnContext: false,
});
await redirect("redirect-force-authn", "Redirect, unsigned", "ForceAuthn is set.", "unsigned", { forceAuthn: true });
await redirect("redirect-passive", "Redirect, unsigned", "IsPassive is set.", "unsigned", { passive: true });
await redirect("redirect-provider-name", "Redirect, unsigned", "ProviderName is set.", "unsigned", { providerName: "An application & more" });
await redirect("redirect-no-acs", "Redirect, unsigned", "Without AssertionConsumerServiceURL.", "unsigned", { disableRequestAcsUrl: true });
await redirect("redirect-signed", "Redirect, RSA-SHA256", "A detached signature.", "sp", signing());
await redirect("redirect-signed-relay-state", "Redirect, RSA-SHA256", "A detached signature over RelayState.", "sp", signing(), "/app?x=1");
await redirect("redirect-signed-sha512", "Redirect, RSA-SHA512", "A detached signature with SHA-512.", "sp", signing("sha512"));
await post("post", "POST, unsigned", "Its plain AuthnRequest in a form.", "unsigned", {});
await post("post-relay-state", "POST, unsigned", "RelayState in a form.", "unsigned", {}, "/app?x=1");
await post("post-signed", "POST, RSA-SHA256", "An enveloped signature of xml-crypto's.", "sp", signing());
await post("post-signed-relay-state", "POST, RSA-SHA256", "An enveloped signature, and RelayState.", "sp", signing(), "/app");
await post("post-signed-sha512", "POST, RSA-SHA512", "An enveloped signature with SHA-512.", "sp", signing("sha512"));

const person = {
  nameID: "person-1",
  nameIDFormat: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
  spNameQualifier: "https://sp.example.com/metadata",
  sessionIndex: "_session-1",
};
add("logout-request", "Redirect, RSA-SHA256", "A LogoutRequest of its own.", "saml-logout", {
  url: await provider("sp", signing()).getLogoutUrlAsync(person, "", {}),
});
add("logout-response", "Redirect, RSA-SHA256", "A LogoutResponse of its own.", "saml-logout", {
  url: await new Promise((resolve, reject) =>
    provider("sp", signing()).getLogoutResponseUrl(
      { ...person, ID: "_11112222333344445555666677778888" }, "", {}, true,
      (error, url) => (error ? reject(error) : resolve(url)),
    ),
  ),
});
for (const [name, signs, why] of [["", false, "Metadata of a service provider."], ["-signs", true, "Metadata with a certificate."]]) {
  add(`metadata${name}`, "metadata", why, "saml-metadata", {
    metadata: generateServiceProviderMetadata({
      issuer: "https://captured.example.com/metadata",
      callbackUrl: "https://captured.example.com/acs",
      identifierFormat: null,
      ...(signs ? { privateKey, publicCerts: certificate } : {}),
    }),
  });
}
process.stdout.write(JSON.stringify(found));
