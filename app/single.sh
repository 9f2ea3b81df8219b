#!/usr/bin/env bash
# Packs a built page into one file, wattage-offline.html beside it, which needs neither server nor network.
#   app/single.sh dist
# What is inside and how it starts: app/single.js.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/hash.sh"
cd "$1"

# The largest file that is still sent to a friend.
limit=25000000
target=wattage-offline.html
style=$(cat style.css)
start=$(cat "$here/single.js")
policy="default-src 'none'; script-src '$(printf %s "$start" | hash)' 'wasm-unsafe-eval' blob:; worker-src blob:; \
style-src '$(printf %s "$style" | hash)'; connect-src blob: data: https: http:; img-src data:; base-uri 'none'; form-action 'none'"

# part NAME TYPE FILE…: what the files hold, one after the other.
part() {
    printf '<script type="application/gzip" data-part="%s" data-type="%s">' "$1" "$2"
    cat "${@:3}" | gzip -9 -n | base64 | tr -d '\n'
    printf '</script>\n'
}

while IFS= read -r line; do
    case $line in
    *Content-Security-Policy*) printf '<meta http-equiv="Content-Security-Policy" content="%s" />\n' "$policy" ;;
    *'rel="stylesheet"'*) printf '<style>%s</style>\n' "$style" ;;
    *'rel="manifest"'* | *'rel="apple-touch-icon"'*) ;;
    *'rel="icon"'*) printf '<link rel="icon" type="image/svg+xml" href="data:image/svg+xml;base64,%s" />\n' "$(base64 <icon.svg | tr -d '\n')" ;;
    # Nothing to fetch ahead.
    *'rel="modulepreload"'*) printf '</head>\n' ;;
    *'src="boot.js"'*)
        for file in *.wasm; do part "$file" application/wasm "$file"; done
        part worker_boot.js text/javascript worker.js worker_boot.js
        for file in app.js offline.js boot.js; do part "$file" text/javascript "$file"; done
        for file in models/wattage-tiny/*.{gguf,safetensors}; do part "$file" application/octet-stream "$file"; done
        printf '<script>%s</script>\n' "$start"
        ;;
    *) printf '%s\n' "$line" ;;
    esac
done <index.html >"$target.part"
mv "$target.part" "$target"

size=$(($(wc -c <"$target")))
echo "$1/$target: $size bytes"
if [ "$size" -gt "$limit" ]; then echo "that is over $limit bytes" >&2; exit 1; fi
