// The pages. Everything that comes from outside goes through `text`.

import { name, pagesOf, text } from "../../shared/page.js";

const { page, failed, notFound } = pagesOf("Notebook", "OpenID Connect");
export { failed, notFound };

export function welcome() {
  return page(
    "Welcome",
    `<h1>Write it down, find it again</h1>
<p>Sign in with your organisation's account to open your notes.</p>
<p class="actions"><a class="primary" href="/sign-in">Sign in</a></p>`,
  );
}

export function signedOut() {
  return page(
    "Signed out",
    `<h1>You are signed out</h1>
<p>Your sign-in has ended here and at the identity provider.</p>
<p><a href="/">Back to the start</a></p>`,
  );
}

export function signedIn({ claims, userInfo }) {
  const person = userInfo.name ?? userInfo.preferred_username ?? claims.name ?? claims.sub;
  return page(
    "Signed in",
    `<h1>Hello, ${text(person)}</h1>
<p>You are signed in. <span class="quiet">Vouched for by ${text(claims.iss)}.</span></p>
${table("Userinfo", userInfo)}
${table("ID token", claims)}
<form method="post" action="/sign-out"><button>Sign out everywhere</button></form>`,
  );
}

function table(caption, claims) {
  const rows = Object.entries(claims).map(
    ([claim, value]) =>
      `<tr><th scope="row">${name(claim)}</th><td>${text(
        typeof value === "object" ? JSON.stringify(value) : value,
      )}</td></tr>`,
  );
  return `<table>
<caption>${text(caption)}</caption>
<thead><tr><th scope="col">Claim</th><th scope="col">Value</th></tr></thead>
<tbody>${rows.join("\n")}</tbody>
</table>`;
}
