#!/usr/bin/env bash
# The last step of a build, run by Trunk in the folder that becomes dist/ (TRUNK_STAGING_DIR):
#   1. wasm without the names of its functions,
#   2. the service worker, with a list of all parts and their hashes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/hash.sh"
cd "$TRUNK_STAGING_DIR"

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
rustc --edition 2024 -o "$tools/strip" "$here/strip.rs"
"$tools/strip" *.wasm

parts=$(find . -type f ! -name '.*' ! -name service_worker.js | sed 's|^\./||' | LC_ALL=C sort)
{
    printf 'const PARTS = {\n'
    while read -r part; do printf '  "%s": "%s",\n' "$part" "$(hash <"$part")"; done <<<"$parts"
    printf '};\n'
    cat "$here/service_worker.js"
} >service_worker.js
