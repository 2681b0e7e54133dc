// What the operator decides. Everything comes from environment variables; a missing one is
// named at start-up, not at the first sign-in.

import { required } from "../../shared/environment.js";

const port = Number(process.env.PORT ?? 9002);
const baseUrl = process.env.BASE_URL ?? `http://127.0.0.1:${port}`;

export const config = {
  port,
  baseUrl,
  redirectUri: `${baseUrl}/callback`,
  afterSignOut: `${baseUrl}/signed-out`,
  // Node trusts the CA in NODE_EXTRA_CA_CERTS beside the public ones.
  issuer: new URL(required("ISSUER", "the identity provider's issuer URL (https)")),
  clientId: required("CLIENT_ID", "the name under which this application is registered"),
  clientSecret: required("CLIENT_SECRET", "what the identity provider printed at registration"),
  scope: process.env.SCOPE ?? "openid profile email",
};
