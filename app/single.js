// Starts the page from one file, which has the parts of a build inside: script elements that are no scripts, each with a part's
// name and type, and its bytes packed by gzip and written in base64. Parts that others name come before those.

const starting = async () => {
  const [parts, addresses] = [{}, {}];
  for (const block of document.querySelectorAll("script[data-part]")) {
    const { part: name, type } = block.dataset;
    // Decoded by the browser, beside the page's own thread.
    const packed = await fetch(`data:application/octet-stream;base64,${block.textContent}`);
    let bytes = await new Response(packed.body.pipeThrough(new DecompressionStream("gzip"))).blob();
    if (type === "text/javascript") {
      const text = await bytes.text();
      bytes = new Blob([text.replace(/"\.\/([\w.]+)"/g, (quoted, part) => (part in addresses ? JSON.stringify(addresses[part]) : quoted))]);
    }
    parts[name] = new Blob([bytes], { type });
    addresses[name] = URL.createObjectURL(parts[name]);
    block.remove();
  }
  // Where the page's own code finds its worker and the embedded model.
  window.wattageParts = parts;
  await import(addresses["boot.js"]);
};

starting().catch((error) => {
  const state = document.getElementById("boot-state");
  if (!state) return;
  state.setAttribute("role", "alert");
  state.textContent = `The page could not start: ${error}. It needs a current browser; the file may also be cut short.`;
});
