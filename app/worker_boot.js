// Starts the worker. A rejected promise would go unnoticed by the page; a thrown error reaches it.
const start = (wasm) => wasm_bindgen({ module_or_path: wasm }).catch((error) => setTimeout(() => { throw error; }));

if (typeof wasm_bindgen === "undefined") {
  importScripts("./worker.js");
  start("./worker_bg.wasm");
} else {
  // In a page that is a single file worker.js stands before this text, and the page sends the wasm: from there a worker may load
  // nothing.
  onmessage = ({ data }) => start(new Response(data));
}
