// The index of the search is as large as the rest of a page: it is asked for when the search is
// opened. This runs before the theme's own script, which asks for it at once.
{
  const { open, send } = XMLHttpRequest.prototype;
  const field = document.querySelector("[data-md-component=search-query]");
  const opened = new Promise((go) => {
    field?.addEventListener("focus", go, { once: true });
    if (field === document.activeElement || new URL(location).searchParams.has("q")) go();
  });

  XMLHttpRequest.prototype.open = function (method, url, ...rest) {
    this.waits = String(url).endsWith("/search/search_index.json") ? opened : undefined;
    return open.call(this, method, url, ...rest);
  };
  XMLHttpRequest.prototype.send = function (...body) {
    if (this.waits) this.waits.then(() => send.apply(this, body));
    else send.apply(this, body);
  };
}
