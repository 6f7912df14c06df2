// SPDX-License-Identifier: GPL-3.0-or-later
// The OpenID provider of the lab: npm's oidc-provider with its forms for development. Whoever logs in as NAME has the address NAME.
import { Provider } from "oidc-provider";

const provider = new Provider(process.env.ISSUER, {
  clients: [
    { client_id: "edge", client_secret: process.env.CLIENT_SECRET, redirect_uris: [process.env.REDIRECT_URI], grant_types: ["authorization_code"] },
  ],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  conformIdTokenClaims: false,
  pkce: { required: () => false },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, email_verified: true, name: id }) }),
});
provider.proxy = true;
provider.listen(3000);
