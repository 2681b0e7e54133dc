// The frame of every page, and what goes into it. Everything that comes from outside goes through `text`.

/** As text of a page. */
export function text(value) {
  return String(value)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A name that may be broken where its words meet. */
export function name(value) {
  return text(value).replaceAll("_", "_<wbr>");
}

/** The pages of one application: its name, and the protocol that it signs people in by. */
export function pagesOf(application, protocol) {
  const page = (title, body) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} · ${text(application)}</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<header class="bar"><a href="/" class="brand">${text(application)}</a><span class="protocol">${text(protocol)}</span></header>
<main>${body}</main>
</body>
</html>
`;
  const failed = (reason) =>
    page(
      "Sign-in failed",
      `<h1>You could not be signed in</h1>
<p class="notice error" role="alert">${text(reason)}</p>
<p><a href="/">Back to the start</a></p>`,
    );
  const notFound = () =>
    page("Not found", `<h1>There is no such page</h1><p><a href="/">Back to the start</a></p>`);
  return { page, failed, notFound };
}
