// A SAML service provider made of @node-saml/node-saml. One command on standard input as JSON,
// one answer on standard output as JSON; `{"refused": "…"}` when the toolkit turns something down.
import { readFileSync } from "node:fs";
import { SAML, generateServiceProviderMetadata } from "@node-saml/node-saml";

const input = JSON.parse(readFileSync(0, "utf8"));

const privateKey = readFileSync(input.keyFile, "utf8");
const publicCert = readFileSync(input.certificateFile, "utf8");

function provider() {
  return new SAML({
    issuer: input.entityId,
    callbackUrl: input.acsUrl,
    entryPoint: input.entryPoint,
    idpCert: input.idpCertificates,
    idpIssuer: input.idpEntityId,
    privateKey,
    signatureAlgorithm: "sha256",
    digestAlgorithm: "sha256",
    audience: input.entityId,
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    wantAssertionsSigned: input.wantAssertionsSigned,
    wantAuthnResponseSigned: input.wantResponseSigned,
    acceptedClockSkewMs: 5000,
    // The test hands back the ID of the request that it saw: no memory between two processes.
    validateInResponseTo: "never",
    // By POST the request is not compressed (SAML bindings section 3.5.4), and signed inside.
    skipRequestCompression: input.command === "post",
    authnRequestBinding: input.command === "post" ? "HTTP-POST" : "HTTP-Redirect",
  });
}

const commands = {
  metadata: () => ({
    metadata: generateServiceProviderMetadata({
      issuer: input.entityId,
      callbackUrl: input.acsUrl,
      privateKey,
      publicCerts: publicCert,
      signMetadata: false,
      wantAssertionsSigned: input.wantAssertionsSigned,
      identifierFormat: null,
    }),
  }),
  redirect: async () => ({ url: await provider().getAuthorizeUrlAsync(input.relayState, undefined, {}) }),
  post: async () => ({ page: await provider().getAuthorizeFormAsync(input.relayState) }),
  response: async () => {
    const { profile } = await provider().validatePostResponseAsync({ SAMLResponse: input.samlResponse });
    const { getAssertion, getAssertionXml, getSamlResponseXml, ...plain } = profile;
    return { profile: plain };
  },
};

let answer;
try {
  answer = await commands[input.command]();
} catch (error) {
  answer = { refused: String(error.message ?? error) };
}
process.stdout.write(JSON.stringify(answer));
