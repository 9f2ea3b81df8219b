// Starts the worker. A rejected promise would go unnoticed by the page; a thrown error reaches it.
importScripts("./worker.js");
wasm_bindgen({ module_or_path: "./worker_bg.wasm" }).catch((error) => setTimeout(() => { throw error; }));
