// The pages. Everything that comes from outside goes through `text`.

import { name, pagesOf, text } from "../../shared/page.js";

const { page, failed, notFound } = pagesOf("Timesheets", "SAML 2.0");
export { failed, notFound };

export function signedOut({ justNow = false } = {}) {
  const notice = justNow
    ? `<p class="notice" role="status">You are signed out of Timesheets.</p>`
    : "";
  return page(
    "Welcome",
    `${notice}
<h1>Your hours, in one place</h1>
<p>Sign in with your organisation's account to see your week.</p>
<p class="actions"><a class="primary" href="/sign-in">Sign in</a></p>`,
  );
}

export function signedIn({ person, nameId, nameIdFormat, identityProvider, attributes }) {
  const rows = Object.entries(attributes).map(
    ([attribute, value]) =>
      `<tr><th scope="row">${name(attribute)}</th><td>${text([value].flat().join(", "))}</td></tr>`,
  );
  return page(
    "Signed in",
    `<h1>Hello, ${text(person)}</h1>
<p>You are signed in. <span class="quiet">Vouched for by ${text(identityProvider)}.</span></p>
<table>
<caption>What the identity provider told us</caption>
<thead><tr><th scope="col">Attribute</th><th scope="col">Value</th></tr></thead>
<tbody>
<tr><th scope="row">NameID</th><td>${text(nameId)}<br><span class="quiet">${text(nameIdFormat)}</span></td></tr>
${rows.join("\n")}
</tbody>
</table>
<form method="post" action="/sign-out"><button>Sign out</button></form>`,
  );
}
