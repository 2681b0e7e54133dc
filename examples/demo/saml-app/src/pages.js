// The pages. Everything that comes from outside goes through `text`.

function text(value) {
  return String(value)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A name that may be broken where its words meet. */
function name(value) {
  return text(value).replaceAll("_", "_<wbr>");
}

function page(title, body) {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} · Timesheets</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a href="/" class="brand">Timesheets</a><span class="protocol">SAML 2.0</span></header>
<main>${body}</main>
</body>
</html>
`;
}

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

export function failed(reason) {
  return page(
    "Sign-in failed",
    `<h1>You could not be signed in</h1>
<p class="notice error" role="alert">${text(reason)}</p>
<p><a href="/">Back to the start</a></p>`,
  );
}

export function notFound() {
  return page("Not found", `<h1>There is no such page</h1><p><a href="/">Back to the start</a></p>`);
}
